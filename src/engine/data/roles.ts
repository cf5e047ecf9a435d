import {
  consumersOf,
  type Dimension,
  type Graph,
  intAttribute,
  type Node,
  type ValueInfo,
} from '../graph/graph';
import { ancestors } from '../graph/topology';
import { isFloat } from '../onnx/tensor';
import { multipliesRows, sampleAxesOf } from './wholeSample';
import { picksRows, type Use, uses } from './uses';

/** What an input is filled with where there are no data, so that the model can run as it was meant to. */
export type Fill =
  | { readonly kind: 'normal' }
  /** Uniform from 0 to 1. */
  | { readonly kind: 'uniform' }
  /** Uniform integers 0 … limit − 1; with `last`, that one stands at the end of the last axis and nowhere else. */
  | { readonly kind: 'below'; readonly limit: number; readonly last?: number }
  | { readonly kind: 'constant'; readonly value: number }
  /** 0, 1, 2, … along the last axis. */
  | { readonly kind: 'positions' };

/**
 * Ids are drawn from the vocabulary, that is the rows of the table that they pick from, and end in the one that the model looks for; indices of the
 * nodes of a graph are drawn from its nodes, and weights of neighbours are positive, since models divide by their sums; masks keep everything; integers that
 * the model compares with a constant, such as a sampling rate, are that constant, those that it takes as sizes or divides by are
 * 1, and others are 0. Names are those that exporters of transformers use.
 */
export function fillOf(input: ValueInfo, graph: Graph, shapes = sampleShapes(graph)): Fill {
  const isSize = (): boolean =>
    uses(input.name, graph).some(({ node, operand }) => sizes[node.opType]?.includes(operand));
  return knownFill(input, graph, shapes) ?? { kind: 'constant', value: isSize() ? 1 : 0 };
}

/** Inputs of integers that nothing is known of, so that the model may not stand the values that they get. */
export function unknownIntegers(graph: Graph): string[] {
  const shapes = sampleShapes(graph);
  return graph.inputs.filter(i => !knownFill(i, graph, shapes)).map(i => i.name);
}

function knownFill(
  input: ValueInfo,
  graph: Graph,
  shapes: ReadonlyMap<string, readonly number[]>,
): Fill | undefined {
  const { name, elemType } = input;
  // Added to scores before a softmax, a float mask of ones changes nothing either.
  if (/mask/i.test(name)) return { kind: 'constant', value: /key_padding/i.test(name) ? 0 : 1 };
  if (isFloat(elemType)) return { kind: multipliesRows(input, graph) ? 'uniform' : 'normal' };
  if (elemType === 'bool') return { kind: 'constant', value: 1 };
  if (/position/i.test(name)) return { kind: 'positions' };
  if (/token_type|segment/i.test(name)) return { kind: 'constant', value: 0 };
  if (/len(gth)?s?$/i.test(name)) return { kind: 'constant', value: 1 };
  const used = uses(name, graph);
  const rows = rowsFor(used, graph, shapes);
  if (rows.length > 0) {
    const limit = Math.min(...rows);
    const marks = used.flatMap(({ node, operand }) => marked(node, operand, graph));
    return { kind: 'below', limit, last: marks.find(id => id >= 0 && id < limit) };
  }
  const [expected] = used.flatMap(({ node, operand }) => comparedWith(node, operand, graph));
  return expected === undefined ? undefined : { kind: 'constant', value: expected };
}

/** Operands that leave nothing to compute where they are 0, or by which ONNX Runtime divides without a look: that ends the process. */
const sizes: Readonly<Record<string, readonly number[]>> = {
  ...{ Div: [1], Mod: [1], Range: [1, 2], Slice: [2, 4], Loop: [0] },
  ...{
    Split: [1],
    SplitToSequence: [1],
    Tile: [1],
    Expand: [1],
    ConstantOfShape: [0],
    OneHot: [1],
    TopK: [1],
  },
  ...{ Resize: [3], AffineGrid: [1], CenterCropPad: [1], Col2Im: [1, 2], MaxUnpool: [2] },
  ...{ DFT: [1], STFT: [1, 3], HannWindow: [0], HammingWindow: [0], BlackmanWindow: [0] },
};

const comparedWith = (node: Node, operand: number, graph: Graph): number[] => {
  const constant = node.opType === 'Equal' ? graph.initializers.get(node.inputs[1 - operand]) : undefined;
  return constant?.data.length === 1 ? [Number(constant.data[0])] : [];
};

/** An id that a model looks for, such as the one that ends a text: whether ids are some other one, such as padding, ends in a Not. */
const marked = (node: Node, operand: number, graph: Graph): number[] => {
  const isNegated = graph.nodes.some(n => n.opType === 'Not' && n.inputs[0] === node.outputs[0]);
  return isNegated ? [] : comparedWith(node, operand, graph);
};

/** How many rows there are for an index to pick: of tables, and of what is computed from inputs, which has as many rows as one of them. */
function rowsFor(
  used: readonly Use[],
  graph: Graph,
  shapes: ReadonlyMap<string, readonly number[]>,
): number[] {
  const picked = used.filter(picksRows).map(({ node }) => node.inputs[0]);
  const tables = picked.flatMap(value => graph.initializers.get(value)?.shape[0] ?? []);
  const sources = ancestors(graph.nodes, picked);
  const inputs = graph.inputs.filter(i => isFloat(i.elemType) && sources.has(i.name));
  const computed = inputs.flatMap(i => shapes.get(i.name)?.[0] ?? []);
  return [...tables.filter(rows => rows > 0), ...computed.filter(rows => rows > 1)];
}

/** What is taken for dimensions that a model leaves open, other than the batch. */
export interface OpenLengths {
  /** Of images. */
  readonly side: number;
  /** Of sequences. */
  readonly length: number;
}

/**
 * To be tried one after the other until the model runs. Networks halve images up to five times, or know the positions of one
 * size only; sequences may be of words, of frames, or of a wave's samples.
 */
export const openLengths: readonly OpenLengths[] = [
  { side: 64, length: 16 },
  { side: 224, length: 64 },
  { side: 32, length: 512 },
  { side: 384, length: 4096 },
  { side: 512, length: 1 },
];

/** Whether any length other than the batch is left open. */
export function hasOpenLengths(graph: Graph): boolean {
  const axes = sampleAxesOf(graph);
  return graph.inputs.some(({ name, shape }) =>
    shape.some((d, axis) => typeof d !== 'number' && axis !== axes.get(name)),
  );
}

/** Keys and values that a decoder was handed by its previous step, [batch, heads, positions, width]. */
const isCache = ({ name, shape }: ValueInfo): boolean => /^past|cache/i.test(name) && shape.length >= 3;

/**
 * Shapes of the inputs for one sample. A named dimension has one length wherever it stands, sums of names included;
 * channels are those of the convolution or matrix that reads the input; a mask that stands for itself spans the cache too.
 */
export function sampleShapes(graph: Graph, open: OpenLengths = openLengths[0]): Map<string, number[]> {
  const axes = sampleAxesOf(graph);
  const lengths = new Map<string, number>();
  const lengthOf = (d: Dimension, usual: number): number => {
    if (typeof d === 'number') return d;
    if (d === null) return usual;
    const terms = d.split('+').map(t => t.trim());
    if (terms.length > 1)
      return terms.reduce((sum, t) => sum + (/^\d+$/.test(t) ? Number(t) : lengthOf(t, open.length)), 0);
    const known = lengths.get(d) ?? usual;
    lengths.set(d, known);
    return known;
  };
  const named = graph.inputs.flatMap(i => i.shape);
  return new Map(
    graph.inputs.map(input => {
      const image = input.shape.length >= 4 && !isCache(input);
      const spansCache = /mask/i.test(input.name) && graph.inputs.some(isCache);
      const fixed = channels(input, graph);
      const shape = input.shape.map((d, axis) => {
        if (axis === axes.get(input.name)) return typeof d === 'number' ? d : 1;
        if (typeof d !== 'number' && fixed?.axis === axis) return fixed.length;
        const isOwn = d === null || named.filter(other => other === d).length === 1;
        return lengthOf(d, image ? open.side : spansCache && isOwn ? 2 * open.length : open.length);
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
