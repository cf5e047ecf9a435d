import type { WideningHistogram } from './histogram';
import type { Range } from './levels';
import { PERCENTILE } from './ranges';

/** How the range of an activation is found from its histogram. */
export const calibrationMethods = ['min-max', 'percentile', 'entropy'] as const;
export type CalibrationMethod = (typeof calibrationMethods)[number];

/**
 * The range of the values that a histogram holds: their ends; what leaves out 0.01 % on either side; or up to the magnitude
 * at which 8 bits keep most of the distribution.
 */
export function calibratedRange(histogram: WideningHistogram, method: CalibrationMethod): Range {
  const { min: low, max: high } = histogram;
  switch (method) {
    case 'min-max':
      return { low, high };
    case 'percentile':
      return { low: histogram.quantile(1 - PERCENTILE / 100), high: histogram.quantile(PERCENTILE / 100) };
    case 'entropy': {
      const end = entropyThreshold(histogram.magnitudes(), low >= 0 ? 256 : 128) * histogram.width;
      return { low: Math.max(low, -end), high: Math.min(high, end) };
    }
  }
}

/**
 * TensorRT's calibration (Migacz, GTC 2017), as in NVIDIA's pytorch-quantization: among thresholds of i bins, the one whose
 * clipped distribution, outliers in its last bin, loses least (Kullback-Leibler) when its bins are merged into `levels` and
 * spread out again over those that were not empty; the largest of equals. The first bin counts as the second: it holds
 * the zeros, which every range keeps.
 * @returns i, in bins
 */
export function entropyThreshold(counts: Float64Array, levels: number): number {
  const bins = Float64Array.from(counts);
  if (bins.length <= levels) return bins.length;
  bins[0] = bins[1];
  let beyond = bins.reduce((sum, n) => sum + n, 0);
  const total = beyond;
  if (total === 0) return bins.length;
  for (let i = 0; i < levels; i++) beyond -= bins[i];
  let best = bins.length;
  let least = Infinity;
  for (let i = levels; i <= bins.length; i++) {
    const divergence = divergenceOf(bins, i, levels, beyond, total);
    if (divergence <= least) [best, least] = [i, divergence];
    if (i < bins.length) beyond -= bins[i];
  }
  return best;
}

/** KL(P‖Q) for the first i bins as P, with the outliers in the last one, and their merged form as Q. */
function divergenceOf(bins: Float64Array, i: number, levels: number, beyond: number, total: number): number {
  const kept = total - beyond;
  if (kept <= 0) return Infinity;
  let divergence = 0;
  for (let level = 0, from = 0; level < levels; level++) {
    const to = level === levels - 1 ? i : Math.ceil(((level + 1) * i) / levels);
    let sum = 0;
    let filled = 0;
    for (let k = from; k < to; k++) {
      sum += bins[k];
      if (bins[k] > 0) filled++;
    }
    const q = sum / filled / kept;
    for (let k = from; k < to; k++) {
      const p = (bins[k] + (k === i - 1 ? beyond : 0)) / total;
      if (p > 0) divergence += bins[k] > 0 ? p * Math.log(p / q) : Infinity;
    }
    from = to;
  }
  return divergence;
}
