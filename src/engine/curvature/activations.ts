import type { Types } from '../graph/builder';
import { consumersOf, type Graph, type Node } from '../graph/graph';
import type { Layer } from './layers';
import { usesOf } from './uses';

/**
 * A value that a runtime of integers would quantize: what a layer reads beside its weight, or an operand of a product of
 * two values. All that read the value read it quantized, as ONNX Runtime's static quantization has it.
 */
export interface Activation {
  /** The value's, in the file. */
  readonly name: string;
  /** Nodes that it is quantized for. */
  readonly nodes: readonly string[];
  /** Names of the layers whose nodes these are. */
  readonly layers: readonly string[];
  /** Of one batch. */
  readonly shape: readonly number[];
}

/** A product of two values, neither of them a weight. */
export interface ActivationProduct {
  readonly node: string;
  readonly operands: readonly [string, string];
}

/**
 * Activations of a graph, in the order in which it makes them.
 * @param types of the graph made ready; what it no longer has is left out
 */
export function findActivations(
  graph: Graph,
  layers: readonly Layer[],
  types: Types,
): { activations: Activation[]; products: ActivationProduct[] } {
  const found = new Map<string, { nodes: Set<string>; layers: Set<string> }>();
  const isActivation = (value: string | undefined): value is string =>
    value !== undefined && types.get(value)?.elemType === 'float32' && !graph.initializers.has(value);
  const read = (value: string | undefined, node: Node, layer?: Layer): void => {
    if (!isActivation(value)) return;
    const entry = found.get(value) ?? { nodes: new Set(), layers: new Set() };
    found.set(value, entry);
    entry.nodes.add(node.name);
    if (layer) entry.layers.add(layer.name);
  };
  const consumers = consumersOf(graph.nodes);
  const withWeights = new Set<Node>();
  for (const layer of layers) {
    for (const { node, operand } of usesOf(layer, consumers)) {
      withWeights.add(node);
      read(node.inputs[operand === 0 ? 1 : 0], node, layer);
    }
  }
  const products: ActivationProduct[] = [];
  for (const node of graph.nodes) {
    if (!/^(Fused)?MatMul$|^Gemm$/.test(node.opType) || withWeights.has(node)) continue;
    const [a, b] = node.inputs;
    if (!isActivation(a) || !isActivation(b)) continue;
    read(a, node);
    read(b, node);
    products.push({ node: node.name, operands: [a, b] });
  }
  const order = [...graph.inputs.map(i => i.name), ...graph.nodes.flatMap(n => n.outputs)];
  const activations = order.flatMap(name => {
    const entry = found.get(name);
    if (!entry) return [];
    return [{ name, nodes: [...entry.nodes], layers: [...entry.layers], shape: types.get(name)!.shape }];
  });
  return { activations, products };
}
