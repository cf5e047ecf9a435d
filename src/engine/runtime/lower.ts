import { GraphBuilder, type Types } from '../graph/builder';
import type { Graph, Node } from '../graph/graph';
import { dependents } from '../graph/topology';
import { BLOCKED_DOMAIN, blockedConv, blockSize } from './blockedConv';

/**
 * Rewrites a graph for ONNX Runtime's CPU kernels. Rules are written to be differentiated; what is fast to run is
 * chosen here, in one place, and never differentiated.
 */
export async function lower(graph: Graph, types: Types): Promise<Graph> {
  const block = await blockSize();
  const fed = dependents(
    graph.nodes,
    graph.inputs.map(i => i.name),
  );
  const isFedConv = (node: Node): boolean =>
    node.opType === 'Conv' && node.domain === '' && fed.has(node.inputs[1]);
  const makers = new Map(graph.nodes.flatMap(n => n.outputs.map(o => [o, n] as const)));
  const opsets = new Map(graph.opsets).set(BLOCKED_DOMAIN, 1);
  const b = new GraphBuilder({ ...graph, opsets, nodes: [] }, types);
  for (const node of graph.nodes) {
    if (node.opType === 'Sign' && makers.get(node.inputs[0])?.opType === 'Relu') b.addNode(stepOf(node));
    else if (isFedConv(node) && block > 0 && blockedConv(b, node, types, block)) continue;
    else b.addNode(node);
  }
  return b.build(graph.outputs);
}

/** The sign of a number that is not negative, by a kernel that is vectorized: 0 at 0 and 1 from the smallest number up. */
const stepOf = (node: Node): Node => ({
  ...node,
  opType: 'HardSigmoid',
  attributes: { alpha: { float: 3e38 }, beta: { float: 0 } },
});
