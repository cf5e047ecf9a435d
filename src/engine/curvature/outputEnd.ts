import type { Graph, Node } from '../graph/graph';

/** What makes a value: the last node that does more than lay it out anew. */
function lastNode(
  { nodes }: Graph,
  value: string,
  passed: ReadonlySet<string>,
): { node: Node | undefined; producer: ReadonlyMap<string, Node> } {
  const producer = new Map(nodes.flatMap(n => n.outputs.map(o => [o, n] as const)));
  let node = producer.get(value);
  while (node && passed.has(node.opType)) node = producer.get(node.inputs[0]);
  return { node, producer };
}

const sameValue = new Set(['Identity', 'Cast']);
const views = new Set([...sameValue, 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Transpose']);

const isSoftmax = (node: Node | undefined): node is Node =>
  node?.opType === 'Softmax' || node?.opType === 'LogSoftmax';

/** The Softmax or LogSoftmax that makes an output, so that the loss doesn't apply another on top. */
export function finalSoftmax(graph: Graph, output: string): Node | undefined {
  const { node } = lastNode(graph, output, sameValue);
  return isSoftmax(node) ? node : undefined;
}

const bounding =
  /^(Sigmoid|HardSigmoid|Tanh|Relu|PRelu|LeakyRelu|Elu|Selu|Celu|Gelu|Mish|HardSwish|Swish|Softplus|Softsign|Clip|Softmax|LogSoftmax)$/;
const normalizing = /(Layer|RMS|Instance|Group|Lp)Normalization$/;

/**
 * The operator that tells that an output is no logits of a distribution over classes: an activation, a normalization, or a
 * sum of two streams as within a network of residual blocks. Undefined where the output may be logits.
 */
export function endWithoutLogits(graph: Graph, output: string): string | undefined {
  if (finalSoftmax(graph, output)) return undefined;
  const { node, producer } = lastNode(graph, output, views);
  if (!node) return undefined;
  if (bounding.test(node.opType) || normalizing.test(node.opType)) return node.opType;
  if (node.opType !== 'Add') return undefined;
  const constants = node.inputs.filter(i => graph.initializers.has(i)).length;
  const scaled = node.inputs.map(i => producer.get(i)).find(n => n?.opType === 'Mul');
  // x̂ γ + β: a normalization whose parts the exporter wrote one by one.
  const isAffine = constants === 1 && scaled?.inputs.some(i => graph.initializers.has(i)) === true;
  return constants === 0 || isAffine ? 'Add' : undefined;
}
