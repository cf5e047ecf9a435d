import { invariant } from '../errors';
import type { GraphBuilder, Types } from '../graph/builder';
import type { Node } from '../graph/graph';
import { ancestors } from '../graph/topology';
import { sumDerivatives } from '../ops/emit';
import { type Derivative, Site } from '../ops/rule';
import { isDifferentiable, ruleOf } from '../ops/table';
import { chainsOf, through } from './chains';
import { activeValues } from './reach';

/**
 * Reverse mode: walks `nodes` backwards from `seeds` (value → cotangent) and emits the cotangents of `wanted`.
 * Only paths from `sources` are walked, and a source's own cotangent is emitted only where it is wanted: with activations
 * wanted and weights as sources, no weight gradient is computed.
 * @param fixed values that count as constants, such as the targets of a label-free loss
 * @returns value → cotangent, without the values whose cotangent is zero
 */
export function vjp(
  b: GraphBuilder,
  nodes: readonly Node[],
  types: Types,
  seeds: ReadonlyMap<string, string>,
  sources: ReadonlySet<string>,
  wanted: ReadonlySet<string>,
  fixed: ReadonlySet<string> = new Set(),
): Map<string, string> {
  const active = activeValues(nodes, sources, fixed);
  const relevant = ancestors(nodes, seeds.keys());
  const onTheWay = nodes.filter(n => n.outputs.some(o => relevant.has(o)));
  const chains = chainsOf(b, onTheWay, types, active, v => wanted.has(v) || sources.has(v));
  const terms = new Map<string, Derivative[]>();
  const accumulate = (value: string, d: Derivative): void => {
    if (d === null) return;
    const list = terms.get(value);
    if (list) list.push(d);
    else terms.set(value, [d]);
  };
  for (const [value, cotangent] of seeds) accumulate(value, cotangent);
  const cotangents = new Map<string, string>();
  const settle = (value: string): Derivative => {
    const sum = b.within(`${value}/cotangent`, () => sumDerivatives(b, terms.get(value) ?? []));
    if (sum !== null && wanted.has(value)) cotangents.set(value, sum);
    return sum;
  };
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i];
    if (!node.outputs.some(o => relevant.has(o) && active.has(o))) continue;
    const outer = node.outputs.map(o => (active.has(o) ? settle(o) : null));
    if (outer.every(c => c === null)) continue;
    const chain = chains.get(node.outputs[0]);
    if (chain) {
      if (!sources.has(chain.source) || wanted.has(chain.source))
        accumulate(chain.source, through(b, outer[0]!, chain));
      continue;
    }
    const needs = node.inputs.map(
      (v, k) => active.has(v) && (!sources.has(v) || wanted.has(v)) && isDifferentiable(node, k),
    );
    if (!needs.includes(true)) continue;
    const rule = ruleOf(node);
    invariant(rule, `node ${node.name} (${node.opType}) has no rule`);
    const inner = b.within(`${node.name}/vjp`, () => rule.vjp(b, new Site(node, types, b), outer, needs));
    node.inputs.forEach((v, k) => needs[k] && accumulate(v, inner[k] ?? null));
  }
  for (const source of sources) if (wanted.has(source)) settle(source);
  return cotangents;
}
