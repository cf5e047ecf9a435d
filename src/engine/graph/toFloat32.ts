import { elemTypeCode, type ElemType, float32Tensor, isFloat, type Tensor } from '../onnx/tensor';
import type { Attribute, Graph, Node } from './graph';

/** Attributes that name an element type. */
const typeAttributes = new Set(['to', 'dtype']);

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
  if (t.elemType === 'float64') return float32Tensor(t.shape, Float32Array.from(t.data as Float64Array));
  if (t.elemType === 'bfloat16') {
    // A bfloat16 is the upper half of a float32.
    const words = Uint32Array.from(t.data as Uint16Array, bits => bits << 16);
    return float32Tensor(t.shape, new Float32Array(words.buffer));
  }
  if (t.elemType === 'float16')
    return float32Tensor(t.shape, Float32Array.from(t.data as Uint16Array, halfToFloat));
  return t;
}

/** IEEE 754 binary16: 1 sign bit, 5 exponent bits, 10 fraction bits. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
