import { invariant } from '../errors';
import type { GraphBuilder, Types } from '../graph/builder';
import type { Node } from '../graph/graph';
import { ancestors } from '../graph/topology';
import { Site } from '../ops/rule';
import { isDifferentiable, opOf } from '../ops/table';

/**
 * Forward mode: walks `nodes` forwards from `tangents` (value → tangent) and emits the tangents of `targets`.
 * @param fixed values that count as constants, such as the targets of a label-free loss
 * @returns value → tangent for all values on the way, without those whose tangent is zero
 */
export function jvp(
  b: GraphBuilder,
  nodes: readonly Node[],
  types: Types,
  tangents: ReadonlyMap<string, string>,
  targets: Iterable<string>,
  fixed: ReadonlySet<string> = new Set(),
): Map<string, string> {
  const needed = ancestors(nodes, targets);
  const known = new Map(tangents);
  for (const node of nodes) {
    if (!node.outputs.some(o => needed.has(o))) continue;
    const inner = nodeTangents(b, node, types, known);
    node.outputs.forEach((o, i) => {
      const t = inner[i] ?? null;
      if (t !== null && o !== '' && !fixed.has(o) && !tangents.has(o)) known.set(o, t);
    });
  }
  return known;
}

/** Tangents of one node's outputs; empty where no tangent reaches it. */
export function nodeTangents(
  b: GraphBuilder,
  node: Node,
  types: Types,
  known: ReadonlyMap<string, string>,
): readonly (string | null)[] {
  const op = opOf(node);
  if (op === 'zero') return [];
  const outer = node.inputs.map((v, k) => (isDifferentiable(node, k) ? (known.get(v) ?? null) : null));
  if (outer.every(t => t === null)) return [];
  invariant(op, `node ${node.name} (${node.opType}) has no rule`);
  return b.within(`${node.name}/jvp`, () => op.jvp(b, new Site(node, types, b), outer));
}
