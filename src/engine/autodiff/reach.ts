import { type Node, qualifiedOpType, reads } from '../graph/graph';
import { isDifferentiable, opOf } from '../ops/table';

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

/** A node whose derivative is not known, on the way of values to the loss. */
export interface Obstacle {
  readonly node: string;
  readonly opType: string;
}

/**
 * For each value whose path to `target` meets an operator without a rule: the first such node. A value none of whose
 * paths meets one is not in the map, nor is one that does not reach the target at all. One pass backwards.
 */
export function obstacles(nodes: readonly Node[], target: string): Map<string, Obstacle> {
  const reaches = new Set([target]);
  const blocked = new Map<string, Obstacle>();
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i];
    if (!node.outputs.some(o => reaches.has(o))) continue;
    const op = opOf(node);
    if (op === 'zero') continue;
    const ahead = node.outputs.map(o => blocked.get(o)).find(o => o !== undefined);
    const obstacle = op === undefined ? { node: node.name, opType: qualifiedOpType(node) } : ahead;
    const through = op === undefined ? reads(node) : node.inputs.filter((_, k) => isDifferentiable(node, k));
    for (const v of through) {
      reaches.add(v);
      if (obstacle) blocked.set(v, obstacle);
    }
  }
  return blocked;
}
