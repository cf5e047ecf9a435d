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
const roots = new Set(['Sqrt', 'Reciprocal', 'ReduceL2', 'ReduceL1']);

/**
 * The operator that tells that an output is no logits of a distribution over classes: an activation, a normalization, or a
 * sum of two streams as within a network of residual blocks. Undefined where the output may be logits.
 */
export function endWithoutLogits(graph: Graph, output: string): string | undefined {
  if (finalSoftmax(graph, output)) return undefined;
  const { node, producer } = lastNode(graph, output, views);
  if (!node) return undefined;
  if (bounding.test(node.opType)) return node.opType;
  const makerOf = (value: string): Node | undefined => producer.get(value);
  const isConstant = (value: string): boolean => graph.initializers.has(value);
  // x̂ or x̂ γ, with x̂ divided by a deviation or a length: a normalization, whose parts are written one by one.
  const isProduct = (n: Node | undefined): n is Node => n?.opType === 'Mul' || n?.opType === 'Div';
  const isNormal = (n: Node | undefined): boolean =>
    isProduct(n) && n.inputs.some(v => roots.has(makerOf(v)?.opType ?? ''));
  if (isNormal(node)) return 'normalization';
  if (isProduct(node) && node.inputs.some(isConstant) && node.inputs.some(v => isNormal(makerOf(v))))
    return 'normalization';
  if (node.opType !== 'Add') return undefined;
  const constants = node.inputs.filter(isConstant).length;
  const scaled = node.inputs.map(makerOf).find(n => n?.opType === 'Mul');
  // x̂ γ + β: a normalization too.
  const isAffine = constants === 1 && scaled?.inputs.some(isConstant) === true;
  return constants === 0 || isAffine ? 'Add' : undefined;
}
