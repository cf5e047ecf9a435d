import { type Node, qualifiedOpType, reads } from '../graph/graph';
import { isDifferentiable, opOf } from '../ops/table';
import type { Shortfall } from './order';

/** Values through which a derivative by `sources` can pass, the sources included; `fixed` ones are constants. */
export function activeValues(
  nodes: readonly Node[],
  sources: ReadonlySet<string>,
  fixed: ReadonlySet<string>,
): Set<string> {
  const active = new Set(sources);
  for (const node of nodes) {
    if (!node.inputs.some((v, i) => active.has(v) && isDifferentiable(node, i))) continue;
    for (const o of node.outputs) if (!fixed.has(o)) active.add(o);
  }
  return active;
}

/** A node on the way of values to the loss that has no derivative (order 0), or only a first one (order 1). */
export interface Obstacle {
  readonly node: string;
  readonly opType: string;
  readonly order: 0 | 1;
  /** What is wrong where there is a rule. */
  readonly why?: string;
}

/**
 * For each value whose path to `target` meets such a node: the first of the lowest order. A value none of whose paths
 * meets one is not in the map, nor is one that does not reach the target at all. One pass backwards.
 * @param shortfalls nodes whose rules don't give both derivatives
 */
export function obstacles(
  nodes: readonly Node[],
  target: string,
  shortfalls: ReadonlyMap<string, Shortfall>,
): Map<string, Obstacle> {
  const reaches = new Set([target]);
  const blocked = new Map<string, Obstacle>();
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i];
    if (!node.outputs.some(o => reaches.has(o))) continue;
    const op = opOf(node);
    if (op === 'zero') continue;
    const obstacle = worst([
      ownObstacle(node, op === undefined, shortfalls),
      ...node.outputs.map(o => blocked.get(o)),
    ]);
    const through = op === undefined ? reads(node) : node.inputs.filter((_, k) => isDifferentiable(node, k));
    for (const v of through) {
      reaches.add(v);
      const worse = worst([obstacle, blocked.get(v)]);
      if (worse) blocked.set(v, worse);
    }
  }
  return blocked;
}

function ownObstacle(
  node: Node,
  isUnknown: boolean,
  shortfalls: ReadonlyMap<string, Shortfall>,
): Obstacle | undefined {
  const base = { node: node.name, opType: qualifiedOpType(node) };
  const shortfall = shortfalls.get(node.name);
  if (isUnknown) return { ...base, order: 0 };
  return shortfall && { ...base, ...shortfall };
}

/** The first one of the lowest order. */
const worst = (found: readonly (Obstacle | undefined)[]): Obstacle | undefined =>
  found.find(o => o?.order === 0) ?? found.find(o => o !== undefined);
