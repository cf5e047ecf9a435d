import type { GraphBuilder, Types } from '../graph/builder';
import type { Node } from '../graph/graph';
import { mul } from '../ops/emit';
import { type Derivative, sameShape, Site } from '../ops/rule';
import { isDifferentiable, ruleOf } from '../ops/table';

/**
 * A value that is a function of one other, element by element, and the function's derivative, which broadcasts. Operators
 * in a row, such as the five that spell out a GELU, are then one function with one derivative: a tangent or cotangent
 * passes them by one product, and its factor depends on the data alone, so that it can be kept from run to run.
 */
export interface Chain {
  readonly source: string;
  readonly slope: string;
}

export const itself = (b: GraphBuilder, value: string): Chain => ({ source: value, slope: b.scalar(1) });

/** What a derivative becomes behind a chain: tangents forwards and cotangents backwards alike. */
export const through = (b: GraphBuilder, derivative: string, { slope }: Chain): string =>
  mul(b, derivative, slope);

/**
 * The chain that a node continues; undefined where the node isn't pointwise, or moves with several values, or broadcasts
 * one that moves.
 * @param operands the chains of operands that move; null for those that don't
 */
export function continued(
  b: GraphBuilder,
  node: Node,
  types: Types,
  operands: readonly (Chain | null)[],
): Chain | undefined {
  const rule = ruleOf(node);
  const source = operands.find(o => o !== null)?.source;
  if (!rule?.isPointwise || source === undefined) return undefined;
  const at = new Site(node, types, b);
  const shape = at.outShape();
  const fits = (o: Chain | null, i: number): boolean =>
    o === null || (o.source === source && sameShape(at.shape(i), shape));
  if (!operands.every(fits)) return undefined;
  const slopes = operands.map((o): Derivative => o?.slope ?? null);
  const [slope] = b.within(`${node.name}/slope`, () => rule.jvp(b, at, slopes));
  return slope ? { source, slope } : undefined;
}

/**
 * The chains of all values that follow from `active` ones, up to and from those that `break` them.
 * A value that is the start of a chain only is not in the map.
 */
export function chainsOf(
  b: GraphBuilder,
  nodes: readonly Node[],
  types: Types,
  active: ReadonlySet<string>,
  isBreak: (value: string) => boolean,
): Map<string, Chain> {
  const chains = new Map<string, Chain>();
  for (const node of nodes) {
    const [output] = node.outputs;
    if (!active.has(output) || isBreak(output)) continue;
    const operands = node.inputs.map((v, i) =>
      active.has(v) && isDifferentiable(node, i) ? (chains.get(v) ?? itself(b, v)) : null,
    );
    const chain = continued(b, node, types, operands);
    if (chain) chains.set(output, chain);
  }
  return chains;
}
