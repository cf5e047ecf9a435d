import { GraphBuilder, type Types } from '../graph/builder';
import {
  behindIdentity,
  consumersOf,
  floatAttribute,
  type Graph,
  intAttribute,
  type Node,
} from '../graph/graph';
import { numElements, type Tensor } from '../onnx/tensor';
import { add, mul, reshape, sub } from './emit';

/**
 * Draws each BatchNormalization behind a Conv into the Conv's weight and bias, in the graph: y = (s w) ∗ x + (b − μ) s + β
 * with s = γ/√(σ² + ε). The same function with the same parameters, but its derivatives scale small weights where they
 * would scale whole activations; a weight that is larger than the activation stays as it is.
 */
export function foldBatchNorm(graph: Graph, types: Types): Graph {
  const consumers = consumersOf(graph.nodes);
  const given = new Set(graph.outputs);
  const makers = new Map(graph.nodes.flatMap(n => n.outputs.map(o => [o, n] as const)));
  const size = (value: string): number => numElements(types.get(value)!.shape);
  const folded = new Map<Node, { conv: Node; statistics: readonly Tensor[] }>();
  for (const node of graph.nodes) {
    if (node.opType !== 'BatchNormalization' || node.domain !== '') continue;
    if (intAttribute(node, 'training_mode', 0) !== 0) continue;
    const conv = makers.get(node.inputs[0]);
    // Running statistics are no parameters, even where an exporter has merged them with a scale of the same numbers.
    const statistics = node.inputs
      .slice(3)
      .map(name => graph.initializers.get(behindIdentity(name, v => makers.get(v))));
    if (!statistics.every(t => t !== undefined)) continue;
    if (conv?.opType !== 'Conv' || conv.domain !== '' || given.has(conv.outputs[0])) continue;
    if (size(conv.inputs[1]) > size(conv.outputs[0])) continue;
    if (consumers.get(conv.outputs[0])?.length === 1) folded.set(node, { conv, statistics });
  }
  if (folded.size === 0) return graph;
  const convs = new Set([...folded.values()].map(f => f.conv));
  const b = new GraphBuilder({ ...graph, nodes: [] }, types);
  for (const node of graph.nodes) {
    const fold = folded.get(node);
    if (fold) foldInto(b, node, fold.conv, fold.statistics, types);
    else if (!convs.has(node)) b.addNode(node);
  }
  return b.build(graph.outputs);
}

function foldInto(
  b: GraphBuilder,
  norm: Node,
  conv: Node,
  statistics: readonly Tensor[],
  types: Types,
): void {
  const [, gamma, beta] = norm.inputs;
  const [mean, variance] = statistics.map(t => b.constant(t, 'statistics'));
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
