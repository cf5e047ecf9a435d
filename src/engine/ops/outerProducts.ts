import type { GraphBuilder } from '../graph/builder';
import { numElements } from '../onnx/tensor';
import { matmul, reduceSum, reshape, transpose } from './emit';
import { extent, type Geometry } from './geometry';
import { im2col } from './windows';

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
  return {
    ...{ samples, groups, rows, columns, positions, taps },
    g: unfolded(b, c.g, c.gShape, ofG, size, groups, true),
    x: unfolded(b, c.x, c.xShape, ofX, size, groups, false),
  };
}

/** The windows of v as outer products read them, [N, groups, channels of a group · taps, P]: the same nodes for all who ask. */
function unfolded(
  b: GraphBuilder,
  v: string,
  [samples, channels, ...from]: Shape,
  over: Geometry,
  size: Shape,
  groups: number,
  backwards: boolean,
): string {
  const windows = im2col(b, v, [samples, channels, ...from], over, size, backwards);
  const rows = channels * numElements(over.kernel);
  return reshape(b, windows, [samples, rows, ...size], [samples, groups, rows / groups, numElements(size)]);
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
 * Whether outer products are one product over the positions of all samples. A weight with more rows than there are positions would
 * be summed over and over otherwise.
 */
const isOneProduct = (groups: number, taps: number, rows: number, positions: number): boolean =>
  groups === 1 && taps === 1 && rows > positions;

/** What lies sample by sample, [N, …, height, P], with the positions of all samples in a row: [height, N·P]. */
function inOneRow(b: GraphBuilder, v: string, samples: number, height: number, positions: number): string {
  const first = transpose(b, reshape(b, v, [], [samples, height, positions]), [1, 0, 2]);
  return reshape(b, first, [], [height, samples * positions]);
}

/**
 * The cotangent of a weight of this `shape`: the outer products as one batched product, summed over the samples, or as one product of
 * all. The longer operand comes first, since the kernel of a product packs the second.
 */
export function weightCotangent(b: GraphBuilder, o: Correlation, shape: Shape): string {
  const { samples, groups, rows, columns, positions } = o;
  if (isOneProduct(groups, o.taps[0], rows, positions)) {
    const laid = (v: string, height: number): string => inOneRow(b, v, samples, height, positions);
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

/**
 * The convolution of x with a weight's tangent `tw`, [N, O, …], as a product with the windows that the weight's cotangent is made of
 * too, where that is one product. A Conv would unfold its windows again, sample by sample, as long as its weights are no constants.
 * @param c with `gShape` the result's
 */
export function byWeightTangent(
  b: GraphBuilder,
  c: Omit<Correlated, 'g'>,
  tw: string,
  geometry: Geometry,
  groups: number,
): string | undefined {
  const [samples, rows] = c.gShape as [number, number, ...number[]];
  const size = spatial(c.gShape);
  const positions = numElements(size);
  const { ofG } = shareTaps(geometry, [rows, c.xShape[1]], spatial(c.xShape), size);
  if (!isOneProduct(groups, numElements(ofG.kernel), rows, positions)) return undefined;
  const columns = c.xShape[1] * numElements(geometry.kernel);
  const windows = unfolded(b, c.x, c.xShape, geometry, size, groups, false);
  const product = matmul(
    b,
    reshape(b, tw, [], [rows, columns]),
    inOneRow(b, windows, samples, columns, positions),
  );
  const apart = transpose(b, reshape(b, product, [], [rows, samples, positions]), [1, 0, 2]);
  return reshape(b, apart, [], c.gShape);
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
