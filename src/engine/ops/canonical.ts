import type { GraphBuilder } from '../graph/builder';
import { type Attribute, floatAttribute, intAttribute, intsAttribute, stringAttribute } from '../graph/graph';
import { numElements } from '../onnx/tensor';
import { Attention } from './attention';
import { add, div, mul, reduceMean, reshape, scale, sub, transpose } from './emit';
import { normalizeAxis, type Site } from './rule';

/** The oldest operator set whose forms rules know; older nodes are brought to it, newer ones have the same forms. */
export const CANONICAL_OPSET = 18;

/**
 * Brings one node to a form that rules know. Returns the values that stand for its outputs, or undefined where the node
 * is canonical already. `version` is the operator set the node was written for.
 */
export type Canonical = (b: GraphBuilder, at: Site, version: number) => readonly string[] | undefined;

type Attributes = Readonly<Record<string, Attribute>>;

const without = (attributes: Attributes, ...names: string[]): Attributes =>
  Object.fromEntries(Object.entries(attributes).filter(([name]) => !names.includes(name)));

/** Emits the node anew with other inputs or attributes. */
const again = (
  b: GraphBuilder,
  at: Site,
  inputs: readonly string[],
  attributes: Attributes,
): readonly string[] => b.addMany(at.node.opType, inputs, attributes, at.node.outputs.length);

/** Axes moved from an attribute to the second input (Reduce* 18, ReduceSum, Squeeze and Unsqueeze 13). */
const axesAsInput: Canonical = (b, at) => {
  const axes = intsAttribute(at.node, 'axes');
  return axes && again(b, at, [at.input(0), b.ints(axes)], without(at.node.attributes, 'axes'));
};

/** Softmax before opset 13 flattened to two dimensions at `axis`, 1 by default. */
const flattenedSoftmax: Canonical = (b, at, version) => {
  if (version >= 13) return undefined;
  const shape = at.shape(0);
  const axis = normalizeAxis(intAttribute(at.node, 'axis', 1), shape.length);
  const { opType } = at.node;
  const tail = shape.slice(axis);
  if (tail.filter(d => d !== 1).length <= 1) {
    const alone = Math.max(
      tail.findIndex(d => d !== 1),
      0,
    );
    return [b.add(opType, [at.input(0)], { axis: { int: axis + alone } })];
  }
  const flat = [numElements(shape.slice(0, axis)), numElements(tail)];
  return [
    reshape(b, b.add(opType, [reshape(b, at.input(0), shape, flat)], { axis: { int: 1 } }), flat, shape),
  ];
};

const Split: Canonical = (b, at, version) => {
  const sizes = intsAttribute(at.node, 'split');
  const attributes = without(at.node.attributes, 'split');
  if (sizes) return again(b, at, [at.input(0), b.ints(sizes)], attributes);
  if (version >= 18 || at.has(1)) return undefined;
  const axis = normalizeAxis(intAttribute(at.node, 'axis', 0), at.shape(0).length);
  return again(b, at, [at.input(0), b.ints(at.node.outputs.map((_, i) => at.outShape(i)[axis]))], attributes);
};

const Slice: Canonical = (b, at) => {
  const starts = intsAttribute(at.node, 'starts');
  const ends = intsAttribute(at.node, 'ends');
  if (!starts || !ends) return undefined;
  const axes = intsAttribute(at.node, 'axes') ?? starts.map((_, i) => i);
  return [b.add('Slice', [at.input(0), b.ints(starts), b.ints(ends), b.ints(axes)])];
};

const Clip: Canonical = (b, at, version) => {
  if (version >= 11) return undefined;
  const bound = (name: string): string =>
    name in at.node.attributes ? b.scalar(floatAttribute(at.node, name, 0)) : '';
  return [b.add('Clip', [at.input(0), bound('min'), bound('max')])];
};

const Pad: Canonical = (b, at, version) => {
  if (version >= 11) return undefined;
  const pads = intsAttribute(at.node, 'pads') ?? intsAttribute(at.node, 'paddings') ?? [];
  const value = floatAttribute(at.node, 'value', 0);
  const mode: Attributes = { mode: { string: stringAttribute(at.node, 'mode', 'constant') } };
  return [b.add('Pad', [at.input(0), b.ints(pads), ...(value === 0 ? [] : [b.scalar(value)])], mode)];
};

/** At inference dropout passes its input on; a mask that is read stays with the node. */
const Dropout: Canonical = (_b, at) => (at.node.outputs.length === 1 ? [at.input(0)] : undefined);

/** Before opset 7 the second operand was laid along `axis` of the first instead of along its last axes. */
const axisBroadcast: Canonical = (b, at, version) => {
  if (version >= 7) return undefined;
  const [x, y] = [at.shape(0), at.shape(1)];
  const axis = normalizeAxis(intAttribute(at.node, 'axis', x.length - y.length), x.length);
  const laid = x.map((_, i) => y[i - axis] ?? 1);
  return [b.add(at.node.opType, [at.input(0), reshape(b, at.input(1), y, laid)])];
};

/** Training outputs and attributes of old versions play no part at inference. */
const BatchNormalization: Canonical = (b, at, version) =>
  version >= 14 && at.node.outputs.length === 1
    ? undefined
    : [
        b.add('BatchNormalization', at.node.inputs, {
          epsilon: { float: floatAttribute(at.node, 'epsilon', 1e-5) },
        }),
      ];

const Reshape: Canonical = (b, at, version) =>
  version >= 5 ? undefined : [reshape(b, at.input(0), at.shape(0), at.outShape())];

const Gemm: Canonical = (b, at, version) =>
  version >= 7 ? undefined : again(b, at, at.node.inputs, without(at.node.attributes, 'broadcast'));

const globalMaxPool: Canonical = (b, at) => {
  const axes = at
    .shape(0)
    .map((_, i) => i)
    .slice(2);
  return [b.add('ReduceMax', [at.input(0), b.ints(axes)], { keepdims: { int: 1 } })];
};

const ReduceLogSum: Canonical = (b, at) => [
  b.add('Log', [b.add('ReduceSum', at.node.inputs, at.node.attributes)]),
];

/** (x − mean)/√(var + ε) over `axes`. */
function standardized(b: GraphBuilder, x: string, axes: readonly number[], epsilon: number): string {
  const centred = sub(b, x, reduceMean(b, x, axes));
  const variance = reduceMean(b, mul(b, centred, centred), axes);
  return div(b, centred, b.add('Sqrt', [add(b, variance, b.scalar(epsilon))]));
}

const onChannels = (rank: number, channels: number): number[] => [
  1,
  channels,
  ...Array<number>(rank - 2).fill(1),
];

const InstanceNormalization: Canonical = (b, at) => {
  const shape = at.shape(0);
  const axes = shape.map((_, i) => i).slice(2);
  const channels = onChannels(shape.length, shape[1]);
  const laid = (i: number): string => reshape(b, at.input(i), at.shape(i), channels);
  return [
    add(
      b,
      mul(b, standardized(b, at.input(0), axes, floatAttribute(at.node, 'epsilon', 1e-5)), laid(1)),
      laid(2),
    ),
  ];
};

/** Until opset 21 scale and bias had one entry per group, since then one per channel. */
const GroupNormalization: Canonical = (b, at, version) => {
  const shape = at.shape(0);
  const [samples, channels] = shape as [number, number];
  const groups = intAttribute(at.node, 'num_groups', 1);
  const grouped = [samples, groups, numElements(shape.slice(1)) / groups];
  const x = reshape(b, at.input(0), shape, grouped);
  const normal = standardized(b, x, [2], floatAttribute(at.node, 'epsilon', 1e-5));
  const affine = (y: string, laid: (i: number) => string): string => add(b, mul(b, y, laid(1)), laid(2));
  if (version < 21)
    return [
      reshape(
        b,
        affine(normal, i => reshape(b, at.input(i), [groups], [1, groups, 1])),
        grouped,
        shape,
      ),
    ];
  const perChannel = onChannels(shape.length, channels);
  return [affine(reshape(b, normal, grouped, shape), i => reshape(b, at.input(i), [channels], perChannel))];
};

const RMSNormalization: Canonical = (b, at) => {
  const rank = at.shape(0).length;
  const first = normalizeAxis(intAttribute(at.node, 'axis', -1), rank);
  const axes = Array.from({ length: rank - first }, (_, i) => first + i);
  const x = at.input(0);
  const meanSquare = reduceMean(b, mul(b, x, x), axes);
  const root = b.add('Sqrt', [add(b, meanSquare, b.scalar(floatAttribute(at.node, 'epsilon', 1e-5)))]);
  return [mul(b, div(b, x, root), at.input(1))];
};

/** y = x/(k + α/n Σ x²)^β, the sum over n neighbouring channels: an average over a window along the channel axis. */
const LRN: Canonical = (b, at) => {
  const shape = at.shape(0);
  const [samples, channels] = shape as [number, number];
  const size = intAttribute(at.node, 'size', 1);
  const before = Math.floor((size - 1) / 2);
  const x = at.input(0);
  const plane = [samples, 1, channels, numElements(shape.slice(2))];
  const mean = b.add('AveragePool', [reshape(b, mul(b, x, x), shape, plane)], {
    kernel_shape: { ints: [size, 1] },
    pads: { ints: [before, 0, size - 1 - before, 0] },
    count_include_pad: { int: 1 },
  });
  const scaled = scale(b, reshape(b, mean, plane, shape), floatAttribute(at.node, 'alpha', 1e-4));
  const base = add(b, scaled, b.scalar(floatAttribute(at.node, 'bias', 1)));
  return [mul(b, x, b.add('Pow', [base, b.scalar(-floatAttribute(at.node, 'beta', 0.75))]))];
};

/** Blocks of channels become blocks of pixels: a reshape, a transposition and a reshape. */
const DepthToSpace: Canonical = (b, at) => {
  const [n, c, h, w] = at.shape(0) as [number, number, number, number];
  const s = intAttribute(at.node, 'blocksize', 1);
  const depth = c / (s * s);
  const isCrd = stringAttribute(at.node, 'mode', 'DCR') === 'CRD';
  const open = isCrd ? [n, depth, s, s, h, w] : [n, s, s, depth, h, w];
  const perm = isCrd ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2];
  const moved = transpose(b, reshape(b, at.input(0), at.shape(0), open), perm);
  return [reshape(b, moved, [n, depth, h, s, w, s], at.outShape())];
};

const SpaceToDepth: Canonical = (b, at) => {
  const [n, c, h, w] = at.shape(0) as [number, number, number, number];
  const s = intAttribute(at.node, 'blocksize', 1);
  const open = [n, c, h / s, s, w / s, s];
  return [
    reshape(
      b,
      transpose(b, reshape(b, at.input(0), at.shape(0), open), [0, 3, 5, 1, 2, 4]),
      [],
      at.outShape(),
    ),
  ];
};

/** Swish of opset 24: x σ(αx). */
const Swish: Canonical = (b, at) => [
  mul(b, at.input(0), b.add('Sigmoid', [scale(b, at.input(0), floatAttribute(at.node, 'alpha', 1))])),
];

export const canonicalForms: Readonly<Record<string, Canonical>> = {
  ...Object.fromEntries(
    ['Sum', 'Mean', 'Max', 'Min', 'L1', 'L2', 'SumSquare', 'LogSumExp', 'Prod'].map(name => [
      `Reduce${name}`,
      axesAsInput,
    ]),
  ),
  Squeeze: axesAsInput,
  Unsqueeze: axesAsInput,
  Softmax: flattenedSoftmax,
  LogSoftmax: flattenedSoftmax,
  Split,
  Slice,
  Clip,
  Pad,
  Dropout,
  Add: axisBroadcast,
  Sub: axisBroadcast,
  Mul: axisBroadcast,
  Div: axisBroadcast,
  BatchNormalization,
  Reshape,
  Gemm,
  GlobalMaxPool: globalMaxPool,
  ReduceLogSum,
  InstanceNormalization,
  GroupNormalization,
  RMSNormalization,
  LRN,
  Attention,
  DepthToSpace,
  SpaceToDepth,
  Swish,
};
