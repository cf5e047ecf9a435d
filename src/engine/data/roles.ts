import {
  consumersOf,
  type Dimension,
  type Graph,
  intAttribute,
  type Node,
  type ValueInfo,
} from '../graph/graph';
import { isFloat } from '../onnx/tensor';

/** What an input is filled with where there are no data, so that the model can run as it was meant to. */
export type Fill =
  | { readonly kind: 'normal' }
  /** Uniform integers 0 … limit − 1. */
  | { readonly kind: 'below'; readonly limit: number }
  | { readonly kind: 'constant'; readonly value: number }
  /** 0, 1, 2, … along the last axis. */
  | { readonly kind: 'positions' };

/**
 * Ids are drawn from the vocabulary, that is the rows of the table that they pick from; masks keep everything; other
 * integers are 0. Names are those that exporters of transformers use.
 */
export function fillOf({ name, elemType }: ValueInfo, graph: Graph): Fill {
  // Added to scores before a softmax, a float mask of ones changes nothing either.
  if (/mask/i.test(name)) return { kind: 'constant', value: /key_padding/i.test(name) ? 0 : 1 };
  if (isFloat(elemType)) return { kind: 'normal' };
  if (elemType === 'bool') return { kind: 'constant', value: 1 };
  if (/position/i.test(name)) return { kind: 'positions' };
  if (/token_type|segment/i.test(name)) return { kind: 'constant', value: 0 };
  if (/len(gth)?s?$/i.test(name)) return { kind: 'constant', value: 1 };
  const rows = uses(name, graph).flatMap(({ node, operand }) => tableRows(node, operand, graph));
  return rows.length > 0 ? { kind: 'below', limit: Math.min(...rows) } : { kind: 'constant', value: 0 };
}

const tableRows = (node: Node, operand: number, graph: Graph): number[] => {
  if (node.opType !== 'Gather' || operand !== 1 || intAttribute(node, 'axis', 0) !== 0) return [];
  const rows = graph.initializers.get(node.inputs[0])?.shape[0];
  return rows !== undefined && rows > 0 ? [rows] : [];
};

/** Operators behind which an input still is what it was. */
const passed = new Set(['Identity', 'Cast', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Expand', 'Slice']);

/** The nodes that an input goes into, as which operand, views of it passed. */
function uses(input: string, graph: Graph): { node: Node; operand: number }[] {
  const consumers = consumersOf(graph.nodes);
  const found: { node: Node; operand: number }[] = [];
  const open = [input];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    for (const node of consumers.get(value) ?? []) {
      const operand = node.inputs.indexOf(value);
      if (passed.has(node.opType) && operand === 0) open.push(node.outputs[0]);
      else found.push({ node, operand });
    }
  }
  return found;
}

/**
 * Lengths taken for dimensions that a model leaves open, other than the batch: of images, which networks halve up to five
 * times, and of sequences.
 */
const OPEN_SIDE = 64;
const OPEN_LENGTH = 16;

/**
 * Shapes of the inputs for one sample. A named dimension has one length wherever it stands, sums of names included;
 * channels are those of the convolution or matrix that reads the input.
 */
export function sampleShapes(graph: Graph): Map<string, number[]> {
  const lengths = new Map<string, number>();
  const lengthOf = (d: Dimension, usual: number): number => {
    if (typeof d === 'number') return d;
    if (d === null) return usual;
    const terms = d.split('+').map(t => t.trim());
    if (terms.length > 1)
      return terms.reduce((sum, t) => sum + (/^\d+$/.test(t) ? Number(t) : lengthOf(t, usual)), 0);
    const known = lengths.get(d) ?? usual;
    lengths.set(d, known);
    return known;
  };
  return new Map(
    graph.inputs.map(input => {
      const usual = input.shape.length >= 4 ? OPEN_SIDE : OPEN_LENGTH;
      const fixed = channels(input, graph);
      const shape = input.shape.map((d, axis) => {
        if (axis === 0) return typeof d === 'number' ? d : 1;
        return typeof d !== 'number' && fixed?.axis === axis ? fixed.length : lengthOf(d, usual);
      });
      return [input.name, shape];
    }),
  );
}

function channels({ name, shape }: ValueInfo, graph: Graph): { axis: number; length: number } | undefined {
  if (shape.every(d => typeof d === 'number')) return undefined;
  for (const node of consumersOf(graph.nodes).get(name) ?? []) {
    const weight = node.inputs[0] === name ? graph.initializers.get(node.inputs[1])?.shape : undefined;
    if (!weight) continue;
    if (node.opType === 'Conv') return { axis: 1, length: weight[1] * intAttribute(node, 'group', 1) };
    if (node.opType === 'MatMul' && weight.length === 2) return { axis: shape.length - 1, length: weight[0] };
    if (node.opType === 'Gemm')
      return { axis: shape.length - 1, length: weight[intAttribute(node, 'transB', 0) === 1 ? 1 : 0] };
  }
  return undefined;
}
