import { affineOf, levelsOf, type Range, roundHalfToEven } from './levels';

/** Clip ratios tried where one number sets the range, and for each of two ends that are set apart. */
const RATIOS = 100;
const RATIOS_OF_TWO = 32;

/**
 * The clipping with the least squared error among ratios k/100 of the largest magnitude where symmetric; else of
 * the ends' ratios k/32, each on its own, or k/100 where all values lie on one side of 0. All of the grid is searched: the
 * error has several local minima, so that descent or a golden section may miss the least. Ratio 1 is in the grid, so
 * min-max is never better.
 *
 * Sorted values with running sums give the error of one candidate in about 2^b binary searches, fewer where there are
 * few values, and a candidate ends as soon as it is worse than the best one.
 * @param sorted ascending, not all 0
 */
export function leastErrorRange(sorted: Float32Array, bits: number, symmetric: boolean): Range {
  const low = Math.min(sorted[0], 0);
  const high = Math.max(sorted[sorted.length - 1], 0);
  const sums = runningSums(sorted);
  const levels = levelsOf(bits, symmetric);
  let best: Range = { low, high };
  let least = Infinity;
  const consider = (range: Range): void => {
    const { scale, zeroPoint } = affineOf(range, bits, symmetric);
    const ends = { low: levels.low - zeroPoint, high: levels.high - zeroPoint };
    const error = errorOf(sorted, sums, scale, ends, least);
    if (error < least) [best, least] = [range, error];
  };
  if (symmetric || low === 0 || high === 0) {
    for (let k = RATIOS; k > 0; k--) consider({ low: (low * k) / RATIOS, high: (high * k) / RATIOS });
    return best;
  }
  for (let k = RATIOS_OF_TWO; k > 0; k--) {
    for (let m = RATIOS_OF_TWO; m > 0; m--)
      consider({ low: (low * k) / RATIOS_OF_TWO, high: (high * m) / RATIOS_OF_TWO });
  }
  return best;
}

interface RunningSums {
  /** Of the first i values, and of their squares. */
  readonly values: Float64Array;
  readonly squares: Float64Array;
}

function runningSums(sorted: Float32Array): RunningSums {
  const values = new Float64Array(sorted.length + 1);
  const squares = new Float64Array(sorted.length + 1);
  for (let i = 0; i < sorted.length; i++) {
    values[i + 1] = values[i] + sorted[i];
    squares[i + 1] = squares[i] + sorted[i] * sorted[i];
  }
  return { values, squares };
}

/** Σ(Q(w) − w)² for the levels `ends` times the scale; any number above `enough` once it is. */
function errorOf(
  sorted: Float32Array,
  { values, squares }: RunningSums,
  scale: number,
  ends: Range,
  enough: number,
): number {
  const n = sorted.length;
  /** Of the values from one position to another, rounded to one level. */
  const errorAt = (level: number, from: number, to: number): number => {
    const value = level * scale;
    const error =
      squares[to] - squares[from] - 2 * value * (values[to] - values[from]) + value * value * (to - from);
    return Math.max(0, error);
  };
  // The end levels first: what they clip is what makes most candidates worse.
  const bottom = firstAbove(sorted, (ends.low + 0.5) * scale, 0);
  const top = firstAbove(sorted, (ends.high - 0.5) * scale, bottom);
  let error = errorAt(ends.low, 0, bottom) + errorAt(ends.high, top, n);
  for (let from = bottom; from < top && error <= enough;) {
    const level = roundHalfToEven(sorted[from] / scale);
    const to = Math.min(top, Math.max(from + 1, firstAbove(sorted, (level + 0.5) * scale, from)));
    error += errorAt(level, from, to);
    from = to;
  }
  return error;
}

/** The position of the first value above a bound, from a position on: steps that double, then halves. */
function firstAbove(sorted: Float32Array, bound: number, from: number): number {
  let step = 1;
  let low = from;
  while (low + step <= sorted.length && sorted[low + step - 1] <= bound) {
    low += step;
    step *= 2;
  }
  let high = Math.min(low + step - 1, sorted.length);
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
