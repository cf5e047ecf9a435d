import type { Node } from '../graph/graph';
import { ancestors } from '../graph/topology';
import { isDifferentiable, ruleOf } from '../ops/table';
import type { Layer } from './layers';

/**
 * For each layer: whether the logits are piecewise linear in its weights while all else is fixed. Then the second
 * derivatives of the logits vanish, and the layer's block of the Hessian has the trace of its Gauss–Newton block exactly.
 */
export function piecewiseLinearLayers(
  nodes: readonly Node[],
  layers: readonly Layer[],
  logits: string,
): boolean[] {
  const needed = ancestors(nodes, [logits]);
  const path = nodes.filter(n => n.outputs.some(o => needed.has(o)));
  return layers.map(layer => isPiecewiseLinear(path, layer.initializer));
}

function isPiecewiseLinear(nodes: readonly Node[], weight: string): boolean {
  const dependent = new Set([weight]);
  for (const node of nodes) {
    const operands = node.inputs.filter((v, i) => dependent.has(v) && isDifferentiable(node, i)).length;
    if (operands === 0) continue;
    const rule = ruleOf(node);
    if (!rule || rule.linearity === 'nonlinear') return false;
    if (rule.linearity === 'multilinear' && operands > 1) return false;
    for (const o of node.outputs) dependent.add(o);
  }
  return true;
}
