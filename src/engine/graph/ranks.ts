import { type Graph, intAttribute, intsAttribute, type Node } from './graph';

/**
 * Numbers of axes, as far as the graph's text tells them. Only for files of the oldest operator sets, which say along which
 * axis an operand is laid but not how many follow, and which ONNX Runtime can't be asked about.
 */
export function ranksOf(graph: Graph): Map<string, number> {
  const ranks = new Map<string, number>();
  for (const i of graph.inputs) ranks.set(i.name, i.shape.length);
  for (const [name, t] of graph.initializers) ranks.set(name, t.shape.length);
  for (const node of graph.nodes) {
    const rank = rankOfResult(node, graph, name => ranks.get(name));
    if (rank !== undefined) for (const o of node.outputs) ranks.set(o, rank);
  }
  return ranks;
}

function rankOfResult(
  node: Node,
  graph: Graph,
  rankOf: (name: string) => number | undefined,
): number | undefined {
  const [x, y] = node.inputs.map(rankOf);
  const axes = intsAttribute(node, 'axes');
  if (node.opType.startsWith('Reduce') || node.opType.startsWith('Arg')) {
    if (intAttribute(node, 'keepdims', 1) === 1) return x;
    if (node.opType.startsWith('Arg')) return x === undefined ? undefined : x - 1;
    return axes ? (x ?? axes.length) - axes.length : 0;
  }
  switch (node.opType) {
    case 'Gemm':
    case 'Flatten':
      return 2;
    case 'Shape':
      return 1;
    case 'Size':
      return 0;
    case 'Reshape':
      return (intsAttribute(node, 'shape') ?? graph.initializers.get(node.inputs[1])?.data)?.length;
    case 'Squeeze':
      return x !== undefined && axes ? x - axes.length : undefined;
    case 'Unsqueeze':
      return x !== undefined && axes ? x + axes.length : undefined;
    case 'Gather':
      return x !== undefined && y !== undefined ? x + y - 1 : undefined;
    case 'MatMul':
      return x !== undefined && y !== undefined && Math.min(x, y) > 1 ? Math.max(x, y) : undefined;
    default:
      return x;
  }
}
