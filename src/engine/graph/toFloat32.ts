import { bfloat16ToFloats, halvesToFloats } from '../onnx/half';
import { elemTypeCode, type ElemType, float32Tensor, isFloat, type Tensor } from '../onnx/tensor';
import type { Attribute, Graph, Node } from './graph';

/** Attributes that name an element type. */
const typeAttributes = new Set([
  'to',
  'dtype',
  'output_dtype',
  'precision',
  'softmax_precision',
  'stash_type',
]);

const floatCodes = new Set((['float64', 'float16', 'bfloat16'] as const).map(t => elemTypeCode(t) as number));

/** The graph with all floating point values as float32: half precision is too coarse for derivatives, double too slow on a GPU. */
export function toFloat32(graph: Graph): Graph {
  return {
    ...graph,
    inputs: graph.inputs.map(i => ({ ...i, elemType: floatType(i.elemType) })),
    initializers: new Map([...graph.initializers].map(([name, t]) => [name, tensorToFloat32(t)])),
    nodes: graph.nodes.map(nodeToFloat32),
  };
}

const floatType = (type: ElemType): ElemType => (isFloat(type) ? 'float32' : type);

function nodeToFloat32(node: Node): Node {
  const changed = Object.entries(node.attributes).map(([name, a]): [string, Attribute] => {
    if ('tensor' in a) return [name, { tensor: tensorToFloat32(a.tensor) }];
    if ('int' in a && typeAttributes.has(name) && floatCodes.has(a.int))
      return [name, { int: elemTypeCode('float32') }];
    return [name, a];
  });
  return { ...node, attributes: Object.fromEntries(changed) };
}

function tensorToFloat32(t: Tensor): Tensor {
  switch (t.elemType) {
    case 'float64':
      return float32Tensor(t.shape, Float32Array.from(t.data as Float64Array));
    case 'bfloat16':
      return float32Tensor(t.shape, bfloat16ToFloats(t.data as Uint16Array));
    case 'float16':
      return float32Tensor(t.shape, halvesToFloats(t.data as Uint16Array));
    default:
      return t;
  }
}
