import { GraphBuilder, type Types } from '../graph/builder';
import { consumersOf, floatAttribute, type Graph, intAttribute, type Node } from '../graph/graph';
import { add, mul, reshape, sub } from './emit';

/**
 * Draws each BatchNormalization behind a Conv into the Conv's weight and bias, in the graph: y = (s w) ∗ x + (b − μ) s + β
 * with s = γ/√(σ² + ε). The same function with the same parameters, but its derivatives scale small weights where they
 * would scale whole activations.
 */
export function foldBatchNorm(graph: Graph, types: Types): Graph {
  const consumers = consumersOf(graph.nodes);
  const given = new Set(graph.outputs);
  const makers = new Map(graph.nodes.flatMap(n => n.outputs.map(o => [o, n] as const)));
  const folded = new Map<Node, Node>();
  for (const node of graph.nodes) {
    if (node.opType !== 'BatchNormalization' || node.domain !== '') continue;
    if (intAttribute(node, 'training_mode', 0) !== 0) continue;
    const conv = makers.get(node.inputs[0]);
    // Running statistics are no parameters, even where an exporter has merged them with a scale of the same numbers.
    if (!node.inputs.slice(3).every(name => graph.initializers.has(name))) continue;
    if (conv?.opType !== 'Conv' || conv.domain !== '' || given.has(conv.outputs[0])) continue;
    if (consumers.get(conv.outputs[0])?.length === 1) folded.set(node, conv);
  }
  if (folded.size === 0) return graph;
  const convs = new Set(folded.values());
  const b = new GraphBuilder({ ...graph, nodes: [] }, types);
  for (const node of graph.nodes) {
    const conv = folded.get(node);
    if (conv) foldInto(b, node, conv, types);
    else if (!convs.has(node)) b.addNode(node);
  }
  return b.build(graph.outputs);
}

function foldInto(b: GraphBuilder, norm: Node, conv: Node, types: Types): void {
  const [, gamma, beta] = norm.inputs;
  const [mean, variance] = norm.inputs.slice(3).map(name => b.constant(b.constantOf(name)!, 'statistics'));
  const [x, w, bias] = conv.inputs;
  const rank = types.get(w)!.shape.length;
  b.within(`${norm.name}/folded`, () => {
    const deviation = b.add('Sqrt', [add(b, variance, b.scalar(floatAttribute(norm, 'epsilon', 1e-5)))]);
    const s = mul(b, gamma, b.add('Reciprocal', [deviation]));
    const perChannel = reshape(b, s, [], [types.get(w)!.shape[0], ...Array<number>(rank - 1).fill(1)]);
    const offset = bias ? mul(b, sub(b, bias, mean), s) : b.add('Neg', [mul(b, mean, s)]);
    const inputs = [x, mul(b, w, perChannel), add(b, offset, beta)];
    b.addNode({ ...conv, inputs, outputs: norm.outputs.slice(0, 1) });
  });
}
