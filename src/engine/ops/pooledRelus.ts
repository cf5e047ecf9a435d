import { GraphBuilder, type Types } from '../graph/builder';
import { consumersOf, type Graph, type Node } from '../graph/graph';

/**
 * The graph with each Relu that a MaxPool alone reads behind the pool, where it has fewer numbers. The largest of some numbers that are not
 * below 0 is the largest of all or 0, so that values and derivatives are the same: where none of a window is positive, either way passes nothing back.
 */
export function withPooledRelus(graph: Graph, types: Types): Graph {
  const makers = new Map(graph.nodes.flatMap(n => n.outputs.map(o => [o, n] as const)));
  const consumers = consumersOf(graph.nodes);
  const given = new Set(graph.outputs);
  const reluBefore = (node: Node): Node | undefined => {
    if (node.opType !== 'MaxPool' || node.domain !== '' || node.outputs.length > 1) return undefined;
    const maker = makers.get(node.inputs[0]);
    const isRelu = maker?.opType === 'Relu' && maker.domain === '' && !given.has(maker.outputs[0]);
    return isRelu && consumers.get(maker.outputs[0])?.length === 1 ? maker : undefined;
  };
  const moved = new Set(graph.nodes.flatMap(n => reluBefore(n) ?? []));
  if (moved.size === 0) return graph;
  const b = new GraphBuilder({ ...graph, nodes: [] }, types);
  for (const node of graph.nodes) {
    const relu = reluBefore(node);
    if (relu) {
      const pooled = b.within(node.name, () => b.add('MaxPool', relu.inputs, node.attributes));
      b.addNode({ ...relu, inputs: [pooled], outputs: node.outputs });
    } else if (!moved.has(node)) b.addNode(node);
  }
  return b.build(graph.outputs);
}
