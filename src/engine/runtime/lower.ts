import { GraphBuilder, type Types } from '../graph/builder';
import type { Graph, Node } from '../graph/graph';
import { dependents } from '../graph/topology';
import { BLOCKED_DOMAIN, blockedConv, blockSize } from './blockedConv';
import { flipped, flippedFrom } from './flippedKernel';

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
  const opsets = new Map(graph.opsets).set(BLOCKED_DOMAIN, 1);
  const b = new GraphBuilder({ ...graph, opsets, nodes: [] }, types);
  const makers = new Map(graph.nodes.flatMap(n => n.outputs.map(o => [o, n] as const)));
  for (const node of withFastSteps(graph).nodes) {
    if (!isFedConv(node)) {
      b.addNode(node);
      continue;
    }
    const { shape } = types.get(node.inputs[1])!;
    const unflipped = flippedFrom(node.inputs[1], shape, makers, graph.initializers);
    if (block > 0 && blockedConv(b, node, types, block, unflipped)) continue;
    if (unflipped === undefined) b.addNode(node);
    else b.addNode({ ...node, inputs: node.inputs.with(1, flipped(b, unflipped, shape)) });
  }
  return b.build(graph.outputs);
}

/**
 * The graph with the slope of each Relu, the sign of its result, by a kernel that is vectorized. Apart from the rest, since
 * it has to see the Relu, which a graph that is split leaves behind.
 */
export function withFastSteps(graph: Graph): Graph {
  const makers = new Map(graph.nodes.flatMap(n => n.outputs.map(o => [o, n] as const)));
  const isStep = (node: Node): boolean =>
    node.opType === 'Sign' && makers.get(node.inputs[0])?.opType === 'Relu';
  return { ...graph, nodes: graph.nodes.map(node => (isStep(node) ? stepOf(node) : node)) };
}

/** The sign of a number that is not negative, as a clipped line: 0 at 0 and 1 from the smallest number up. */
const stepOf = (node: Node): Node => ({
  ...node,
  opType: 'HardSigmoid',
  attributes: { alpha: { float: 3e38 }, beta: { float: 0 } },
});
