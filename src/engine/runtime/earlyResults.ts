import { consumersOf, type Graph, type Node } from '../graph/graph';

/**
 * The graph with the nodes that give results at its end, the first of them last. ONNX Runtime goes depth first from the nodes that
 * nobody reads, and takes the last of them first. So each result is made as soon as what it reads is there, while that lies in the processor's
 * caches, and what is read for it alone is not kept until all else is done.
 */
export function withEarlyResults(graph: Graph): Graph {
  const consumers = consumersOf(graph.nodes);
  const isRead = (node: Node): boolean => node.outputs.some(o => consumers.has(o));
  const isName = (node: Node): boolean => node.opType === 'Identity' && !isRead(node);
  // ONNX Runtime gives what a last Identity names its name, and drops the Identity.
  const isResult = (node: Node): boolean =>
    node.outputs.every(o => (consumers.get(o) ?? []).every(isName)) && !isName(node);
  const results = graph.nodes.filter(isResult);
  const others = graph.nodes.filter(n => !isResult(n) && !isName(n));
  return { ...graph, nodes: [...others, ...results.reverse(), ...graph.nodes.filter(isName)] };
}
