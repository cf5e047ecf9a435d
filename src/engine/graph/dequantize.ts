import { CurvatureError } from '../errors';
import { integerRange } from '../onnx/integerRange';
import { type ElemType, elemTypeOf, float32Tensor, isFloat, numElements, type Tensor } from '../onnx/tensor';
import { type Graph, intAttribute, type Node, reads } from './graph';

/** ONNX Runtime writes the widths that older operator sets lack in a domain of its own. */
const isQuantizing = (node: Node | undefined, opType: string): node is Node =>
  node?.opType === opType && (node.domain === '' || node.domain === 'com.microsoft');

/**
 * The graph with constant weights behind a DequantizeLinear, or a pair of QuantizeLinear and DequantizeLinear, as float
 * initializers that hold the dequantized values, so that they are parameters like others.
 * @param graph all floats as float32
 * @returns also the width of each such weight
 */
export function dequantizeWeights(graph: Graph): { graph: Graph; bits: ReadonlyMap<string, number> } {
  const initializers = new Map(graph.initializers);
  const producer = new Map(graph.nodes.flatMap(n => n.outputs.map(o => [o, n] as const)));
  const fixedNames = new Set([...graph.outputs, ...graph.nodes.flatMap(n => n.captures)]);
  const names = new Set([...graph.inputs.map(i => i.name), ...initializers.keys(), ...producer.keys()]);
  const renamed = new Map<string, string>();
  const bits = new Map<string, number>();
  const made = new Map<string, string>();
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    const output = node.outputs[0];
    const found =
      isQuantizing(node, 'DequantizeLinear') && !fixedNames.has(output)
        ? constantWeight(node, producer, initializers)
        : undefined;
    if (!found) {
      nodes.push({ ...node, inputs: node.inputs.map(i => renamed.get(i) ?? i) });
      continue;
    }
    // A weight that several nodes dequantize in the same way is one weight still.
    const key = JSON.stringify([found.source, node.inputs.slice(1), Object.entries(node.attributes)]);
    let name = made.get(key);
    if (name === undefined) {
      const plain = found.source.replace(/_quantized$/, '');
      name = plain === output || !names.has(plain) ? plain : output;
      names.add(name);
      made.set(key, name);
      initializers.set(name, dequantized(node, found.integers, initializers));
      bits.set(name, found.bits);
    }
    renamed.set(output, name);
  }
  if (bits.size === 0) return { graph, bits };
  const read = new Set([...nodes.flatMap(reads), ...graph.outputs]);
  const isLeftOver = (n: Node): boolean =>
    isQuantizing(n, 'QuantizeLinear') && !n.outputs.some(o => read.has(o));
  return { graph: { ...graph, initializers, nodes: nodes.filter(n => !isLeftOver(n)) }, bits };
}

/** The integers that a DequantizeLinear reads, where they and their scale are constant. */
function constantWeight(
  node: Node,
  producer: ReadonlyMap<string, Node>,
  constants: ReadonlyMap<string, Tensor>,
): { source: string; integers: Tensor; bits: number } | undefined {
  const isKnown = (n: Node): boolean => n.inputs.slice(1).every(i => i === '' || constants.has(i));
  if (!isKnown(node)) return undefined;
  const [source] = node.inputs;
  const stored = constants.get(source);
  if (stored) {
    const range = integerRange[stored.elemType];
    return range && { source, integers: stored, bits: range.bits };
  }
  const quantizer = producer.get(source);
  if (!isQuantizing(quantizer, 'QuantizeLinear') || !isKnown(quantizer)) return undefined;
  const weight = constants.get(quantizer.inputs[0]);
  if (!weight || !isFloat(weight.elemType)) return undefined;
  const type = quantizedType(quantizer, constants);
  const range = integerRange[type];
  const integers = range && quantized(quantizer, weight, range, constants);
  return integers && { source: quantizer.inputs[0], integers, bits: range.bits };
}

function quantizedType(node: Node, constants: ReadonlyMap<string, Tensor>): ElemType {
  const zeroPoint = constants.get(node.inputs[2] ?? '');
  return zeroPoint?.elemType ?? elemTypeOf(intAttribute(node, 'output_dtype', 0)) ?? 'uint8';
}

/** (q − z) · s, as ONNX Runtime computes it in float32. */
function dequantized(node: Node, integers: Tensor, constants: ReadonlyMap<string, Tensor>): Tensor {
  const { scale, zeroPoint, place } = parametersOf(node, integers.shape, constants);
  const data = new Float32Array(integers.data.length);
  for (let i = 0; i < data.length; i++) {
    const k = place(i);
    data[i] = Math.fround(Number(integers.data[i]) - zeroPoint(k)) * scale(k);
  }
  return float32Tensor(integers.shape, data);
}

/** Round(w / s) + z, to even at ties, within the range of the type; as numbers, since they are dequantized again. */
function quantized(
  node: Node,
  weight: Tensor,
  { least, most }: { least: number; most: number },
  constants: ReadonlyMap<string, Tensor>,
): Tensor {
  const { scale, zeroPoint, place } = parametersOf(node, weight.shape, constants);
  const data = Int32Array.from(weight.data as Float32Array, (w, i) => {
    const k = place(i);
    return Math.min(most, Math.max(least, roundToEven(Math.fround(w / scale(k))) + zeroPoint(k)));
  });
  return { elemType: 'int32', shape: weight.shape, data };
}

function roundToEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

/** Scale and zero point of a node, and which of them belongs to each element: one for all, per axis, or per block. */
function parametersOf(
  node: Node,
  shape: readonly number[],
  constants: ReadonlyMap<string, Tensor>,
): { scale: (k: number) => number; zeroPoint: (k: number) => number; place: (i: number) => number } {
  const scales = constants.get(node.inputs[1])!;
  const zeros = constants.get(node.inputs[2] ?? '');
  const stated = intAttribute(node, 'axis', 1);
  const axis = stated < 0 ? stated + shape.length : stated;
  const block = intAttribute(node, 'block_size', 0);
  const length = shape[axis] ?? 1;
  const inner = numElements(shape.slice(axis + 1));
  const blocks = block > 0 ? Math.ceil(length / block) : 0;
  const isSingle = scales.data.length === 1;
  const expected = block > 0 ? (numElements(shape) / length) * blocks : length;
  if (!isSingle && (scales.data.length !== expected || (zeros && zeros.data.length !== expected))) {
    throw new CurvatureError(
      'model-invalid',
      `Node "${node.name}" (${node.opType}) has ${scales.data.length} scales for a tensor of shape [${shape.join(', ')}]; expected ${expected}.`,
    );
  }
  return {
    scale: k => Number(scales.data[k]),
    zeroPoint: k => (zeros ? Number(zeros.data[k]) : 0),
    place: i => {
      if (isSingle) return 0;
      const along = Math.floor(i / inner) % length;
      if (block === 0) return along;
      const outer = Math.floor(i / (inner * length));
      return (outer * blocks + Math.floor(along / block)) * inner + (i % inner);
    },
  };
}
