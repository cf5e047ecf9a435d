import { GraphBuilder, type Types } from '../graph/builder';
import {
  consumersOf,
  type Graph,
  intAttribute,
  intsAttribute,
  type Node,
  stringAttribute,
} from '../graph/graph';
import { numElements } from '../onnx/tensor';
import { reshape, transpose } from '../ops/emit';

/** ONNX Runtime's Conv has up to this many spatial axes. */
const MAX_SPATIAL = 3;

/**
 * The graph with windows (`ops/windows.ts`) made as they are read, where that is channel by channel and in each the samples in a row: samples
 * are made an axis that windows don't reach along, and x is transposed in place of its windows, which are many times as large.
 */
export function withWindowsInOneRow(graph: Graph, types: Types): Graph {
  const makers = new Map(graph.nodes.flatMap(n => n.outputs.map(o => [o, n] as const)));
  const consumers = consumersOf(graph.nodes);
  const given = new Set(graph.outputs);
  const isOwn = (value: string): boolean => consumers.get(value)?.length === 1 && !given.has(value);
  const shapeOf = (value: string): readonly number[] => types.get(value)!.shape;
  /** The Conv that a value is a view of, if nothing else reads it. */
  const convBehind = (value: string): Node | undefined => {
    const maker = isOwn(value) ? makers.get(value) : undefined;
    if (maker?.domain !== '') return undefined;
    return maker.opType === 'Reshape'
      ? convBehind(maker.inputs[0])
      : maker.opType === 'Conv'
        ? maker
        : undefined;
  };
  const b = new GraphBuilder({ ...graph, nodes: [] }, types);
  for (const node of graph.nodes) {
    const windows = isTurned(node) ? convBehind(node.inputs[0]) : undefined;
    const kernel = windows && graph.initializers.get(windows.inputs[1]);
    if (!kernel || !isInOneRow(windows, kernel.shape, shapeOf(windows.inputs[0]), shapeOf(node.inputs[0]))) {
      b.addNode(node);
      continue;
    }
    const [samples, channels, ...size] = shapeOf(windows.inputs[0]);
    const [rows, , ...taps] = kernel.shape;
    const inputs = b.within(`${node.name}/inOneRow`, () => {
      const x = reshape(b, windows.inputs[0], [], [samples, channels, numElements(size)]);
      const turned = reshape(b, transpose(b, x, [1, 0, 2]), [], [1, channels, samples, ...size]);
      const w = reshape(b, windows.inputs[1], [], [rows, 1, 1, ...taps]);
      return [b.add('Conv', [turned, w], alongSamples(windows, taps)), b.ints(shapeOf(node.outputs[0]))];
    });
    b.addNode({ ...node, opType: 'Reshape', inputs, attributes: {} });
  }
  return b.build(graph.outputs);
}

/** Whether a Conv makes more channels of each one, and is read as [samples, channels, positions]. */
const isInOneRow = (
  conv: Node,
  [rows]: readonly number[],
  [samples, channels, ...size]: readonly number[],
  read: readonly number[],
): boolean =>
  conv.inputs.length === 2 &&
  stringAttribute(conv, 'auto_pad', 'NOTSET') === 'NOTSET' &&
  intAttribute(conv, 'group', 1) === channels &&
  size.length < MAX_SPATIAL &&
  rows > channels &&
  read[0] === samples &&
  read[1] === rows;

const isTurned = (node: Node): boolean =>
  node.opType === 'Transpose' && node.domain === '' && intsAttribute(node, 'perm')?.join() === '1,0,2';

/** A Conv's attributes with one more axis before the others, along which nothing moves. */
function alongSamples(conv: Node, taps: readonly number[]): Node['attributes'] {
  const pads = intsAttribute(conv, 'pads') ?? taps.flatMap(() => [0, 0]);
  const [begin, end] = [pads.slice(0, taps.length), pads.slice(taps.length)];
  const spread = (name: string): { ints: number[] } => ({
    ints: [1, ...(intsAttribute(conv, name) ?? taps.map(() => 1))],
  });
  return {
    ...conv.attributes,
    kernel_shape: { ints: [1, ...taps] },
    strides: spread('strides'),
    dilations: spread('dilations'),
    pads: { ints: [0, ...begin, 0, ...end] },
  };
}
