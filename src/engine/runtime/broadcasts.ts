import type { Types } from '../graph/builder';
import type { Graph, Node } from '../graph/graph';

/** Operators that broadcast either operand, fast where one of them has the result's shape. */
const pointwise = new Set(['Add', 'Sub', 'Mul', 'Div']);

/**
 * The graph with broadcasting in place of Expand, where the other operand has the result's shape as it is. Rules spread what comes back through a
 * mean over all that the mean was taken of, and mostly add it to something of that size.
 */
export function withBroadcasts(graph: Graph, types: Types): Graph {
  const makers = new Map(graph.nodes.flatMap(n => n.outputs.map(o => [o, n] as const)));
  const shapeOf = (value: string): string | undefined => types.get(value)?.shape.join();
  const narrow = (value: string): string => {
    const maker = makers.get(value);
    return maker?.opType === 'Expand' && maker.domain === '' ? maker.inputs[0] : value;
  };
  const rewritten = (node: Node): Node => {
    if (node.domain !== '' || !pointwise.has(node.opType)) return node;
    const shape = shapeOf(node.outputs[0]);
    const i = node.inputs.findIndex(
      (value, k) => narrow(value) !== value && shape !== undefined && shapeOf(node.inputs[1 - k]) === shape,
    );
    return i < 0 ? node : { ...node, inputs: node.inputs.with(i, narrow(node.inputs[i])) };
  };
  return { ...graph, nodes: graph.nodes.map(rewritten) };
}
