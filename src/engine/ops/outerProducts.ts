import type { GraphBuilder } from '../graph/builder';
import { float32Tensor, numElements } from '../onnx/tensor';
import { matmul, reduceSum, reshape, transpose } from './emit';
import { convAttributes, extent, type Geometry } from './geometry';

/**
 * The cotangent of a weight as a sum of outer products over positions p, sample by sample and group by group:
 * Σ_p g[·, p] x[·, p]ᵀ with g [N, groups, rows, P] and x [N, groups, columns, P].
 */
export interface OuterProducts {
  readonly g: string;
  readonly x: string;
  readonly samples: number;
  readonly groups: number;
  readonly rows: number;
  readonly columns: number;
  readonly positions: number;
}

/** Outer products of a weight [groups · channels of g, channels of x, …taps of g, …taps of x]. */
export interface Correlation extends OuterProducts {
  /** Taps that the windows of g and of x have. */
  readonly taps: readonly [number, number];
}

interface Correlated {
  readonly x: string;
  readonly xShape: readonly number[];
  readonly g: string;
  readonly gShape: readonly number[];
}

/** Products of fewer rows than a processor's vector holds gain nothing from another form. */
const MIN_ROWS = 16;

type Shape = readonly number[];
const spatial = (shape: Shape): Shape => shape.slice(2);

export function correlated(b: GraphBuilder, c: Correlated, geometry: Geometry, groups: number): Correlation {
  const samples = c.xShape[0];
  const channels = [c.gShape[1] / groups, c.xShape[1] / groups] as const;
  const { ofG, ofX, size } = shareTaps(geometry, channels, spatial(c.xShape), spatial(c.gShape));
  const taps = [numElements(ofG.kernel), numElements(ofX.kernel)] as const;
  const [rows, columns] = [channels[0] * taps[0], channels[1] * taps[1]];
  const positions = numElements(size);
  const unfolded = (v: string, from: Shape, over: Geometry, backwards: boolean, height: number): string => {
    const windows = im2col(b, v, from, over, size, backwards);
    return reshape(b, windows, [samples, groups * height, ...size], [samples, groups, height, positions]);
  };
  return {
    ...{ samples, groups, rows, columns, positions, taps },
    g: unfolded(c.g, c.gShape, ofG, true, rows),
    x: unfolded(c.x, c.xShape, ofX, false, columns),
  };
}

/**
 * Which axes' taps the windows of g have, and which those of x. For a square kernel of k² taps, k windows of either take
 * less memory and time than k² of x: along the first axes g is moved against x, which at stride 1 is the same. Not where g has more
 * channels than positions: there the weight is larger than the windows, and sorting its taps costs more.
 */
function shareTaps(
  geometry: Geometry,
  [ofOutput, ofInput]: readonly [number, number],
  xSize: Shape,
  gSize: Shape,
): { ofG: Geometry; ofX: Geometry; size: Shape } {
  const { kernel, strides, dilations, padsBegin, padsEnd } = geometry;
  const first = Math.floor(kernel.length / 2);
  const firstOf = <T>(moved: readonly T[], others: readonly T[]): T[] =>
    kernel.map((_, i) => (i < first ? moved[i] : others[i]));
  const [ones, none] = [kernel.map(() => 1), kernel.map(() => 0)];
  const reach = kernel.map((_, i) => extent(geometry, i) - 1);
  const taps = numElements(kernel);
  const moved = numElements(kernel.slice(0, first));
  const isCheaper = ofOutput * moved + ofInput * (taps / moved) < ofInput * taps;
  const isPossible = kernel.every(
    (_, i) => i >= first || (strides[i] === 1 && padsBegin[i] <= reach[i] && padsEnd[i] <= reach[i]),
  );
  if (!isCheaper || !isPossible || ofOutput < MIN_ROWS || ofOutput > numElements(gSize)) {
    const ofG = { kernel: ones, strides: ones, dilations: ones, padsBegin: none, padsEnd: none };
    return { ofG, ofX: geometry, size: gSize };
  }
  const rest = (pads: Shape): number[] => reach.map((r, i) => r - pads[i]);
  return {
    ofG: {
      kernel: firstOf(kernel, ones),
      strides: ones,
      dilations,
      padsBegin: firstOf(rest(padsBegin), none),
      padsEnd: firstOf(rest(padsEnd), none),
    },
    ofX: {
      kernel: firstOf(ones, kernel),
      strides,
      dilations,
      padsBegin: firstOf(none, padsBegin),
      padsEnd: firstOf(none, padsEnd),
    },
    size: firstOf(xSize, gSize),
  };
}

/**
 * The cotangent of a weight of this `shape`: the outer products as one batched product, summed over the samples. The longer
 * operand comes first, since the kernel of a product packs the second. A weight with more rows than there are positions would
 * be summed over and over: there one product runs over positions of all samples.
 */
export function weightCotangent(b: GraphBuilder, o: Correlation, shape: Shape): string {
  const { samples, groups, rows, columns, positions } = o;
  if (groups === 1 && o.taps[0] === 1 && rows > positions) {
    const laid = (v: string, height: number): string => {
      const first = transpose(b, reshape(b, v, [], [samples, height, positions]), [1, 0, 2]);
      return reshape(b, first, [], [height, samples * positions]);
    };
    const product = matmul(b, laid(o.g, rows), transpose(b, laid(o.x, columns), [1, 0]));
    return reshape(b, product, [rows, columns], shape);
  }
  const isSwapped = columns > rows && rows >= MIN_ROWS;
  const [p, q] = isSwapped ? [o.x, o.g] : [o.g, o.x];
  const product = reduceSum(b, matmul(b, p, transpose(b, q, [0, 1, 3, 2])), [0], false);
  const [ofG, ofX] = [rows / o.taps[0], columns / o.taps[1]];
  const sides = [
    [ofG, o.taps[0]],
    [ofX, o.taps[1]],
  ];
  const sizes = [groups, ...(isSwapped ? sides.toReversed() : sides).flat()];
  return reshape(b, reordered(b, product, sizes, isSwapped ? [0, 3, 1, 4, 2] : [0, 1, 3, 2, 4]), [], shape);
}

/** A Transpose of axes with these `sizes`, without those of size 1: kernels are slow at many axes. */
function reordered(b: GraphBuilder, v: string, sizes: Shape, order: readonly number[]): string {
  const long = order.filter(i => sizes[i] > 1);
  const before = long.toSorted((i, j) => i - j);
  const perm = long.map(i => before.indexOf(i));
  if (perm.every((p, i) => p === i)) return v;
  const apart = before.map(i => sizes[i]);
  return transpose(b, reshape(b, v, [], apart), perm);
}

/** Windows of more taps are made along one axis after the other. */
const MANY_TAPS = 25;

/**
 * The windows of x [N, C, …] as channels: [N, C·taps, …], by a depthwise Conv with one-hot kernels. That
 * serves every stride, dilation, padding and rank, and beats Slice and Concat on the CPU.
 * @param backwards whether the last tap comes first
 */
function im2col(
  b: GraphBuilder,
  x: string,
  shape: Shape,
  geometry: Geometry,
  output: Shape,
  backwards: boolean,
): string {
  const { kernel } = geometry;
  const taps = numElements(kernel);
  const channels = shape[1];
  if (taps === 1 && spatial(shape).every((d, i) => d === output[i])) return x;
  const axes = kernel.flatMap((taps, i) => (taps > 1 ? [i] : []));
  if (taps > MANY_TAPS && axes.length > 1) {
    const first = along(geometry, i => i === axes[0]);
    const size = spatial(shape).map((d, i) => (i === axes[0] ? output[i] : d));
    const some = im2col(b, x, shape, first, size, backwards);
    const rest = along(geometry, i => i !== axes[0]);
    return im2col(b, some, [shape[0], channels * kernel[axes[0]], ...size], rest, output, backwards);
  }
  const oneHot = new Float32Array(channels * taps * taps);
  for (let i = 0; i < channels * taps; i++) {
    const tap = i % taps;
    oneHot[i * taps + (backwards ? taps - 1 - tap : tap)] = 1;
  }
  const kernels = b.constant(
    float32Tensor([channels * taps, 1, ...kernel], oneHot),
    `oneHot_${channels}x${kernel.join('x')}${backwards ? '_backwards' : ''}`,
  );
  return b.add('Conv', [x, kernels], convAttributes(geometry, channels));
}

/** A geometry along some axes, which leaves the others as they are. */
function along(geometry: Geometry, isTaken: (axis: number) => boolean): Geometry {
  const { kernel, strides, dilations, padsBegin, padsEnd } = geometry;
  const or = (values: Shape, other: number): number[] => values.map((v, i) => (isTaken(i) ? v : other));
  return {
    kernel: or(kernel, 1),
    strides: or(strides, 1),
    dilations: or(dilations, 1),
    padsBegin: or(padsBegin, 0),
    padsEnd: or(padsEnd, 0),
  };
}
