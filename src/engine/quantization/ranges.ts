import { CurvatureError } from '../errors';
import { leastErrorRange } from './clipping';
import { forEachStretch, gather, largestGroup, type Layout } from './layout';
import { type Affine, affineOf, type Range } from './levels';
import type { Quantizer } from './quantizer';

/** The share of values, in percent, that the percentile range keeps: TensorRT's and NNCF's default. */
export const PERCENTILE = 99.99;

/** Scales and zero points of all groups of a tensor. */
export interface Scales {
  readonly scales: Float32Array;
  readonly zeroPoints: Int32Array;
}

/**
 * Finds each group's range and, from it, its scale and zero point.
 * @param name of the tensor, for errors
 * @throws CurvatureError `model-invalid` for values that aren't finite
 */
export function chooseScales(name: string, data: Float32Array, layout: Layout, quantizer: Quantizer): Scales {
  const { bits, symmetric, range } = quantizer;
  const { low, high } = extremes(name, data, layout);
  const scales = new Float32Array(layout.groups);
  const zeroPoints = new Int32Array(layout.groups);
  const set = (group: number, { scale, zeroPoint }: Affine): void => {
    scales[group] = scale;
    zeroPoints[group] = zeroPoint;
  };
  const room = range === 'min-max' ? undefined : new Float32Array(largestGroup(layout));
  for (let g = 0; g < layout.groups; g++) {
    const ends = { low: low[g], high: high[g] };
    if (room === undefined || (ends.low === 0 && ends.high === 0)) set(g, affineOf(ends, bits, symmetric));
    else {
      const values = gather(layout, data, g, room);
      const chosen =
        range === 'mse'
          ? leastErrorRange(values.sort(), bits, symmetric)
          : percentileRange(values, symmetric);
      set(g, affineOf(chosen, bits, symmetric));
    }
  }
  return { scales, zeroPoints };
}

/** The least and largest value of each group, and 0: every range holds 0, so that zeros stay exact. */
function extremes(
  name: string,
  data: Float32Array,
  layout: Layout,
): { low: Float32Array; high: Float32Array } {
  const low = new Float32Array(layout.groups);
  const high = new Float32Array(layout.groups);
  forEachStretch(layout, (start, end, group, step) => {
    for (let i = start, g = group; i < end; i++, g += step) {
      const value = data[i];
      // NaN fails every comparison, so it is caught by asking for what is wanted.
      if (!(Math.abs(value) < Infinity)) {
        throw new CurvatureError(
          'model-invalid',
          `Weight '${name}' holds ${value} at flat index ${i}; finite numbers were expected.`,
        );
      }
      if (value < low[g]) low[g] = value;
      if (value > high[g]) high[g] = value;
    }
  });
  return { low, high };
}

/**
 * The range that holds `PERCENTILE` % of the magnitudes where symmetric, else of the values from either end.
 * @param values are sorted in place
 */
function percentileRange(values: Float32Array, symmetric: boolean): Range {
  if (symmetric) {
    for (let i = 0; i < values.length; i++) values[i] = Math.abs(values[i]);
    const end = quantile(values.sort(), PERCENTILE / 100);
    return { low: -end, high: end };
  }
  values.sort();
  return { low: quantile(values, 1 - PERCENTILE / 100), high: quantile(values, PERCENTILE / 100) };
}

/** Between order statistics as NumPy does by default (Hyndman & Fan's type 7). */
function quantile(sorted: Float32Array, q: number): number {
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
}
