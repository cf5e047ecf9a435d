import { invariant } from '../errors';
import type { GraphBuilder, Types } from '../graph/builder';
import type { Node } from '../graph/graph';
import { ancestors } from '../graph/topology';
import { sumDerivatives } from '../ops/emit';
import { type Derivative, sameShape, Site } from '../ops/rule';
import { isDifferentiable, opOf } from '../ops/table';
import { type Chain, continued, itself, through } from './chains';

type Tangents = Pick<ReadonlyMap<string, string>, 'get' | 'has'>;
const NONE: ReadonlySet<string> = new Set();

/**
 * Forward mode: walks `nodes` forwards from `tangents` (value → tangent) and emits the tangents of `targets`.
 * @param fixed values that count as constants, such as the targets of a label-free loss
 * @param constantsOf values that a node takes as constants though they move
 * @returns value → tangent for all values on the way, without those whose tangent is zero
 */
export function jvp(
  b: GraphBuilder,
  nodes: readonly Node[],
  types: Types,
  tangents: ReadonlyMap<string, string>,
  targets: Iterable<string>,
  fixed: ReadonlySet<string> = NONE,
  constantsOf: (node: Node) => ReadonlySet<string> = () => NONE,
): Map<string, string> {
  const needed = ancestors(nodes, targets);
  const known = new Map(tangents);
  const chains = new Map<string, Chain>();
  for (const node of nodes) {
    if (!node.outputs.some(o => needed.has(o))) continue;
    const constants = constantsOf(node);
    const seen = constants.size === 0 ? known : without(known, constants);
    const operands = node.inputs.map((v, i) => {
      if (!isDifferentiable(node, i) || !seen.has(v)) return null;
      return chains.get(v) ?? itself(b, v);
    });
    const chain = continued(b, node, types, operands);
    const inner = chain
      ? [through(b, known.get(chain.source)!, chain)]
      : nodeTangents(b, node, types, seen, operands);
    node.outputs.forEach((o, i) => {
      const t = inner[i] ?? null;
      if (t === null || o === '' || fixed.has(o) || tangents.has(o)) return;
      known.set(o, t);
      if (chain) chains.set(o, chain);
    });
  }
  return known;
}

const without = (known: Tangents, constants: ReadonlySet<string>): Tangents => ({
  get: value => (constants.has(value) ? undefined : known.get(value)),
  has: value => !constants.has(value) && known.has(value),
});

/**
 * Tangents of one node's outputs; empty where no tangent reaches it. What reaches a pointwise node by a chain passes it by
 * one product, whose factor is the chain's and the node's together.
 * @param chains by which operands move, where they do
 */
export function nodeTangents(
  b: GraphBuilder,
  node: Node,
  types: Types,
  known: Tangents,
  chains: readonly (Chain | null)[] = [],
): readonly Derivative[] {
  const op = opOf(node);
  if (op === 'zero') return [];
  const outer = node.inputs.map((v, k) => (isDifferentiable(node, k) ? (known.get(v) ?? null) : null));
  if (outer.every(t => t === null)) return [];
  invariant(op, `node ${node.name} (${node.opType}) has no rule`);
  const at = new Site(node, types, b);
  const isChained = (k: number): boolean =>
    op.isPointwise === true &&
    (chains[k] ?? null) !== null &&
    chains[k]!.source !== node.inputs[k] &&
    sameShape(at.shape(k), at.outShape());
  return b.within(`${node.name}/jvp`, () => {
    const direct = outer.map((t, k) => (isChained(k) ? null : t));
    const chained = outer.flatMap((_, k) => {
      if (!isChained(k)) return [];
      const { source, slope } = chains[k]!;
      const [factor] = op.jvp(
        b,
        at,
        outer.map((_, i) => (i === k ? slope : null)),
      );
      return [through(b, known.get(source)!, { source, slope: factor! })];
    });
    if (chained.length === 0) return op.jvp(b, at, outer);
    const rest = direct.every(t => t === null) ? [] : op.jvp(b, at, direct);
    return [sumDerivatives(b, [...rest, ...chained])];
  });
}
