import type { GraphBuilder } from '../graph/builder';
import { intAttribute, stringAttribute } from '../graph/graph';
import { float32Tensor, numElements, toNumbers } from '../onnx/tensor';
import { sliceAxis } from './axes';
import type { Canonical } from './canonicalForm';
import { add, cast, expand, indicator, matmul, mul, reshape, scale, sub, transpose } from './emit';

/** The elements that count along one axis, as [samples, points] each: where they lie and how much they weigh. */
interface Tap {
  /** A whole number, as float32; it may lie outside. */
  readonly place: string;
  /** Undefined where it is 1. */
  readonly weight: string | undefined;
}

/**
 * Values of x [N, C, …] at the points of a grid [N, …, axes], by the nearest element or linearly between neighbours: sums of
 * gathered elements, whose weights carry the derivative by the grid. Cubic interpolation stays as it is.
 */
export const GridSample: Canonical = (b, at) => {
  const mode = stringAttribute(at.node, 'mode', 'linear');
  const isNearest = mode === 'nearest';
  if (!isNearest && mode !== 'linear' && mode !== 'bilinear') return undefined;
  const [samples, channels, ...lengths] = at.shape(0) as [number, number, ...number[]];
  const points = numElements(at.shape(1).slice(1, -1));
  const padding = stringAttribute(at.node, 'padding_mode', 'zeros');
  const isAligned = intAttribute(at.node, 'align_corners', 0) === 1;
  const taps = lengths.map((length, axis): Tap[] => {
    // The grid names the last axis first.
    const position = lengths.length - 1 - axis;
    const last = at.shape(1).length - 1;
    const column = sliceAxis(b, at.input(1), last, position, position + 1);
    const g = reshape(b, column, [], [samples, points]);
    const place = padded(b, pixel(b, g, length, isAligned), length, isAligned, padding);
    return isNearest ? [{ place: b.add('Round', [place]), weight: undefined }] : neighbours(b, place);
  });
  const x = reshape(b, at.input(0), at.shape(0), [samples, channels, numElements(lengths)]);
  const terms = corners(taps).map(corner => {
    let index = b.scalar(0);
    const factors: string[] = [];
    corner.forEach(({ place, weight }, axis) => {
      const highest = b.scalar(lengths[axis] - 1);
      const within = b.add('Clip', [place, b.scalar(0), highest]);
      index = add(b, scale(b, index, lengths[axis]), within);
      if (weight !== undefined) factors.push(weight);
      if (padding === 'zeros') factors.push(indicator(b, b.add('Equal', [place, within])));
    });
    const column = [samples, 1, points];
    const places = reshape(b, cast(b, index, 'int64'), [samples, points], column);
    const wide = expand(b, places, column, [samples, channels, points]);
    const values = b.add('GatherElements', [x, wide], { axis: { int: 2 } });
    if (factors.length === 0) return values;
    const weight = factors.reduce((p, q) => mul(b, p, q));
    return mul(b, values, reshape(b, weight, [samples, points], column));
  });
  const sum = terms.reduce((p, q) => add(b, p, q));
  return [reshape(b, sum, [samples, channels, points], at.outShape())];
};

/** The points that affine maps θ [N, axes, axes + 1] send a regular grid of a known size to: [N, …, axes]. */
export const AffineGrid: Canonical = (b, at) => {
  const size = at.constant(1);
  if (!size) return undefined;
  const lengths = toNumbers(size).slice(2);
  const isAligned = intAttribute(at.node, 'align_corners', 0) === 1;
  const middles = (n: number, i: number): number =>
    isAligned ? (n === 1 ? 0 : (2 * i) / (n - 1) - 1) : (2 * i + 1) / n - 1;
  const points = numElements(lengths);
  const width = lengths.length + 1;
  const base = new Float32Array(points * width).fill(1);
  for (let p = 0; p < points; p++) {
    let rest = p;
    // The last axis comes first.
    lengths.toReversed().forEach((n, axis) => {
      base[p * width + axis] = middles(n, rest % n);
      rest = Math.floor(rest / n);
    });
  }
  const grid = b.constant(float32Tensor([points, width], base), 'grid');
  const moved = matmul(b, grid, transpose(b, at.input(0), [0, 2, 1]));
  return [reshape(b, moved, [], at.outShape())];
};

/** −1 … 1 as a place along an axis: between the middles of the outermost elements, or between their outer edges. */
const pixel = (b: GraphBuilder, g: string, length: number, isAligned: boolean): string => {
  const shifted = add(b, g, b.scalar(1));
  return isAligned
    ? scale(b, shifted, (length - 1) / 2)
    : sub(b, scale(b, shifted, length / 2), b.scalar(0.5));
};

/** Places outside brought inside, as the padding mode has it; zeros leave them outside. */
function padded(b: GraphBuilder, place: string, length: number, isAligned: boolean, mode: string): string {
  if (mode === 'zeros') return place;
  const inside = (p: string): string => b.add('Clip', [p, b.scalar(0), b.scalar(length - 1)]);
  if (mode === 'border') return inside(place);
  const [low, high] = isAligned ? [0, length - 1] : [-0.5, length - 0.5];
  const span = high - low;
  if (span === 0) return inside(place);
  // Back and forth between the ends: a triangular wave.
  const distance = b.add('Abs', [sub(b, place, b.scalar(low))]);
  const phase = b.add('Mod', [distance, b.scalar(2 * span)], { fmod: { int: 1 } });
  return inside(sub(b, b.scalar(high), b.add('Abs', [sub(b, phase, b.scalar(span))])));
}

function neighbours(b: GraphBuilder, place: string): Tap[] {
  const below = b.add('Floor', [place]);
  const share = sub(b, place, below);
  return [
    { place: below, weight: sub(b, b.scalar(1), share) },
    { place: add(b, below, b.scalar(1)), weight: share },
  ];
}

/** One tap of every axis, in all combinations. */
const corners = (taps: readonly (readonly Tap[])[]): Tap[][] =>
  taps.reduce<Tap[][]>((made, own) => made.flatMap(corner => own.map(tap => [...corner, tap])), [[]]);
