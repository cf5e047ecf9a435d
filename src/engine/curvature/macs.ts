import type { Types } from '../graph/builder';
import { type Graph, intAttribute, type Node } from '../graph/graph';
import { numElements } from '../onnx/tensor';
import type { Layer } from './layers';

/** The shape of a value; what a BatchNormalization was drawn into the Conv before it has the shape of its result. */
function shapeOf(value: string, { nodes }: Graph, types: Types): readonly number[] | undefined {
  const known = types.get(value)?.shape;
  if (known) return known;
  const next = nodes.find(n => n.opType === 'BatchNormalization' && n.inputs[0] === value);
  return next && types.get(next.outputs[0])?.shape;
}

/**
 * Multiplications with accumulation of one node over a batch; undefined where the operator has no count here.
 * @param weight shape of the layer's weight, for convolutions
 */
function macsOf(node: Node, graph: Graph, types: Types, weight?: readonly number[]): number | undefined {
  const output = shapeOf(node.outputs[0], graph, types);
  const input = shapeOf(node.inputs[0], graph, types);
  switch (node.opType) {
    case 'Gather':
      return 0;
    case 'Conv':
    case 'FusedConv':
      return output && weight && numElements(output) * numElements(weight.slice(1));
    case 'ConvTranspose':
      return input && weight && numElements(input) * numElements(weight.slice(1));
    case 'Gemm':
    case 'FusedGemm':
    case 'MatMul':
    case 'FusedMatMul': {
      const isTransposed = intAttribute(node, 'transA', 0) === 1;
      const depth = input?.at(isTransposed && input.length > 1 ? -2 : -1);
      return output && depth !== undefined ? numElements(output) * depth : undefined;
    }
    default:
      return undefined;
  }
}

/** Multiplications with accumulation that a layer's weight takes part in, for one sample. */
export function layerMacs(layer: Layer, graph: Graph, types: Types, batch: number): number | undefined {
  const names = new Set(layer.nodes);
  const counts = graph.nodes.filter(n => names.has(n.name)).map(n => macsOf(n, graph, types, layer.shape));
  return counts.reduce<number | undefined>(
    (sum, count) => (sum === undefined || count === undefined ? undefined : sum + count / batch),
    counts.length > 0 ? 0 : undefined,
  );
}

/** The same for a product of two values. */
export function productMacs(name: string, graph: Graph, types: Types, batch: number): number | undefined {
  const node = graph.nodes.find(n => n.name === name);
  const count = node && macsOf(node, graph, types);
  return count === undefined ? undefined : count / batch;
}
