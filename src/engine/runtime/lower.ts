import { GraphBuilder, type Types } from '../graph/builder';
import { consumersOf, type Graph, type Node } from '../graph/graph';
import { dependents, prune } from '../graph/topology';
import { add } from '../ops/emit';
import { withTransposedProducts } from './transposedProducts';
import { withEarlyResults } from './earlyResults';
import { withFusedTransposes } from './fusedTransposes';
import { addLeadingSum } from './leadingSums';
import { FUSED_DOMAIN } from './turned';
import { withBroadcasts } from './broadcasts';
import { withWindowsInOneRow } from './windowsInOneRow';
import { addFromBlocks, BLOCKED_DOMAIN, blockedConv, blockSize } from './blockedConv';
import { flipped, flippedFrom } from './flippedKernel';

/**
 * Rewrites a graph for ONNX Runtime's CPU kernels. Rules are written to be differentiated; what is fast to run is
 * chosen here, in one place, and never differentiated. Outputs may have other shapes of the same size.
 */
export async function lower(original: Graph, types: Types): Promise<Graph> {
  const graph = withWindowsInOneRow(original, types);
  const block = await blockSize();
  const fed = dependents(
    graph.nodes,
    graph.inputs.map(i => i.name),
  );
  const isFed = (conv: Node): boolean => fed.has(conv.inputs[1]);
  const opsets = new Map(graph.opsets).set(BLOCKED_DOMAIN, 1).set(FUSED_DOMAIN, 1);
  const b = new GraphBuilder({ ...graph, opsets, nodes: [] }, types);
  const makers = new Map(graph.nodes.flatMap(n => n.outputs.map(o => [o, n] as const)));
  const unflippedOf = (conv: Node): string | undefined =>
    flippedFrom(conv.inputs[1], types.get(conv.inputs[1])!.shape, makers, graph.initializers);
  const inBlocks = (conv: Node) =>
    block > 0 ? blockedConv(b, conv, types, block, isFed(conv), unflippedOf(conv)) : undefined;
  const addConv = (conv: Node): void => {
    const emit = isFed(conv) ? inBlocks(conv) : undefined;
    const unflipped = isFed(conv) ? unflippedOf(conv) : undefined;
    if (emit) addFromBlocks(b, conv, emit(), types);
    else if (unflipped === undefined) b.addNode(conv);
    else {
      const { shape } = types.get(conv.inputs[1])!;
      const kernel = b.within(`${conv.name}/flipped`, () => flipped(b, unflipped, shape));
      b.addNode({ ...conv, inputs: conv.inputs.with(1, kernel) });
    }
  };

  const multiplied = withFusedTransposes(withTransposedProducts(withBroadcasts(graph, types), types), types);
  const { nodes } = withFastSteps(multiplied);
  const sums = sumsOfConvs({ ...graph, nodes }, isFed);
  const held = new Set([...sums.values()].flat());
  for (const node of nodes) {
    const terms = sums.get(node);
    if (terms) {
      const [first, second] = terms.map(inBlocks);
      if (first && second) addFromBlocks(b, node, second(first()), types);
      else {
        terms.forEach(addConv);
        b.addNode(node);
      }
    } else if (isConv(node)) {
      if (!held.has(node)) addConv(node);
    } else if (!addLeadingSum(b, node, graph, types)) addInPairs(b, node);
  }
  return withEarlyResults(withoutLastReshapes(b.build(graph.outputs)));
}

/** Adds a node, a Sum as Adds, which use all threads. */
function addInPairs(b: GraphBuilder, node: Node): void {
  const [first, ...rest] = node.inputs;
  const last = rest.pop();
  if (node.opType !== 'Sum' || node.domain !== '' || last === undefined) return b.addNode(node);
  const most = b.within(`${node.name}/pairs`, () => rest.reduce((sum, term) => add(b, sum, term), first));
  b.addNode({ ...node, opType: 'Add', inputs: [most, last] });
}

const isConv = (node: Node | undefined): boolean => node?.opType === 'Conv' && node.domain === '';

/** Additions of two Convs that nothing else reads, by the addition; a tangent's two parts are of this kind. */
function sumsOfConvs(graph: Graph, isFed: (conv: Node) => boolean): Map<Node, readonly Node[]> {
  const makers = new Map(graph.nodes.flatMap(n => n.outputs.map(o => [o, n] as const)));
  const consumers = consumersOf(graph.nodes);
  const given = new Set(graph.outputs);
  const sums = new Map<Node, readonly Node[]>();
  for (const node of graph.nodes) {
    const terms = node.opType === 'Add' ? node.inputs.map(v => makers.get(v)) : [];
    const isOwn = (term: Node | undefined): term is Node =>
      isConv(term) && !given.has(term!.outputs[0]) && consumers.get(term!.outputs[0])?.length === 1;
    if (node.inputs[0] !== node.inputs[1] && terms.length === 2 && terms.every(isOwn) && terms.some(isFed))
      sums.set(node, terms);
  }
  return sums;
}

/** The graph with its outputs before the Reshapes that they end with: where a result leaves a session, a Reshape copies. */
function withoutLastReshapes(graph: Graph): Graph {
  const makers = new Map(graph.nodes.flatMap(n => n.outputs.map(o => [o, n] as const)));
  const outputs = new Set(graph.outputs);
  const unshaped = (value: string): string => {
    const view = makers.get(value);
    return view?.opType === 'Reshape' && makers.has(view.inputs[0]) ? unshaped(view.inputs[0]) : value;
  };
  const nodes = graph.nodes.map(node =>
    node.opType === 'Identity' && outputs.has(node.outputs[0])
      ? { ...node, inputs: node.inputs.map(unshaped) }
      : node,
  );
  return prune({ ...graph, nodes }, graph.outputs);
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
