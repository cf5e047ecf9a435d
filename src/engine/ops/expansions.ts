import { floatAttribute, intAttribute, intsAttribute, stringAttribute } from '../graph/graph';
import { numElements } from '../onnx/tensor';
import { Attention } from './attention';
import { sliceAxis } from './axes';
import type { Canonical } from './canonicalForm';
import { Col2Im } from './columns';
import { add, cast, div, expand, mul, reduceMean, reshape, scale, sub, transpose } from './emit';
import { DFT, STFT } from './fourier';
import { AffineGrid, GridSample } from './gridSample';
import { Compress, CenterCropPad, GatherND, ReverseSequence } from './indexing';
import { GlobalLpPool, LpNormalization, LpPool } from './lpNorms';
import { reducedAxes } from './reduction';
import { RotaryEmbedding } from './rotary';
import { normalizeAxis, type Site } from './rule';
import { standardized } from './standardized';

/** Operators that are spelled out in simpler ones, at every version. */

const globalMaxPool: Canonical = (b, at) => {
  const axes = at
    .shape(0)
    .map((_, i) => i)
    .slice(2);
  return [b.add('ReduceMax', [at.input(0), b.ints(axes)], { keepdims: { int: 1 } })];
};

const epsilonOf = (at: Site): number => floatAttribute(at.node, 'epsilon', 1e-5);

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
  return [add(b, mul(b, standardized(b, at.input(0), axes, epsilonOf(at)).normal, laid(1)), laid(2))];
};

/** (x − mean)/(√var + 1e-9) over the given axes. */
const MeanVarianceNormalization: Canonical = (b, at) => {
  const axes = intsAttribute(at.node, 'axes') ?? [0, 2, 3];
  const centred = sub(b, at.input(0), reduceMean(b, at.input(0), axes));
  const deviation = b.add('Sqrt', [reduceMean(b, mul(b, centred, centred), axes)]);
  return [div(b, centred, add(b, deviation, b.scalar(1e-9)))];
};

/** Channels are standardized group by group; scale and bias have an entry per channel, before opset 21 per group. */
const GroupNormalization: Canonical = (b, at) => {
  const shape = at.shape(0);
  const [samples, channels] = shape;
  const groups = intAttribute(at.node, 'num_groups', 1);
  const grouped = [samples, groups, numElements(shape.slice(1)) / groups];
  const x = reshape(b, at.input(0), shape, grouped);
  const normal = reshape(b, standardized(b, x, [2], epsilonOf(at)).normal, grouped, shape);
  const laid = (i: number): string => {
    const perGroup = [groups, 1];
    const entries = at.shape(i)[0];
    const each =
      entries === channels
        ? at.input(i)
        : expand(b, reshape(b, at.input(i), [groups], perGroup), perGroup, [groups, channels / groups]);
    return reshape(b, each, [], onChannels(shape.length, channels));
  };
  return [add(b, mul(b, normal, laid(1)), laid(2))];
};

/** The axes from the one that the node names on. */
function lastAxes(at: Site): number[] {
  const rank = at.shape(0).length;
  const first = normalizeAxis(intAttribute(at.node, 'axis', -1), rank);
  return Array.from({ length: rank - first }, (_, i) => first + i);
}

/**
 * Spelled out, since both derivatives and the value share what it is made of: the mean, the centred values, 1/√(var + ε).
 */
const LayerNormalization: Canonical = (b, at) => {
  const { normal, mean, inverse } = standardized(b, at.input(0), lastAxes(at), epsilonOf(at));
  const scaled = mul(b, normal, at.input(1));
  return [at.has(2) ? add(b, scaled, at.input(2)) : scaled, mean, inverse];
};

const RMSNormalization: Canonical = (b, at) => {
  const x = at.input(0);
  const meanSquare = reduceMean(b, mul(b, x, x), lastAxes(at));
  const root = b.add('Sqrt', [add(b, meanSquare, b.scalar(epsilonOf(at)))]);
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

/** A product by halves: log n multiplications, whose derivatives hold where elements are zero. */
const ReduceProd: Canonical = (b, at) => {
  if (at.has(1) && !at.constant(1)) return undefined;
  const shape = at.shape(0);
  const axes = reducedAxes(at);
  const kept = shape.map((_, i) => i).filter(i => !axes.includes(i));
  const rows = numElements(kept.map(i => shape[i]));
  let count = numElements(axes.map(i => shape[i]));
  const permuted = [...kept, ...axes];
  if (count === 0) return [expand(b, b.scalar(1), [], at.outShape())];
  let x = reshape(
    b,
    transpose(b, at.input(0), permuted),
    permuted.map(i => shape[i]),
    [rows, count],
  );
  while (count > 1) {
    const half = Math.floor(count / 2);
    const product = mul(b, sliceAxis(b, x, 1, 0, half), sliceAxis(b, x, 1, half, 2 * half));
    x =
      count % 2 === 0
        ? product
        : b.add('Concat', [product, sliceAxis(b, x, 1, count - 1, count)], { axis: { int: 1 } });
    count = half + (count % 2);
  }
  return [reshape(b, x, [rows, 1], at.outShape())];
};

/** A Cast to the type of another value. */
const CastLike: Canonical = (b, at) => [cast(b, at.input(0), at.typeOf(at.input(1)).elemType)];

export const expansions: Readonly<Record<string, Canonical>> = {
  GlobalMaxPool: globalMaxPool,
  InstanceNormalization,
  GroupNormalization,
  LayerNormalization,
  RMSNormalization,
  // ONNX Runtime's name for it, in the standard domain too.
  SimplifiedLayerNormalization: RMSNormalization,
  MeanVarianceNormalization,
  LpPool,
  GlobalLpPool,
  LpNormalization,
  CastLike,
  Compress,
  GridSample,
  AffineGrid,
  ReverseSequence,
  GatherND,
  CenterCropPad,
  LRN,
  Col2Im,
  DFT,
  STFT,
  Attention,
  ReduceProd,
  RotaryEmbedding,
  DepthToSpace,
  SpaceToDepth,
  Swish,
};
