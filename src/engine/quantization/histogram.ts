import { CurvatureError } from '../errors';

/** Bins on either side of zero. */
const BINS = 4096;
/** Below this exponent the bins of the smallest float32 are too fine to matter. */
const FINEST = -160;

/**
 * A histogram of any number of values in constant memory. Bins are as wide as a power of 2 and meet at zero; where a value
 * lies beyond them, neighbours are merged. So the result is the same however the values are split into batches, and at
 * least half of the bins of the wider side are in use.
 */
export class WideningHistogram {
  private counts = new Float64Array(2 * BINS);
  private exponent = FINEST;
  total = 0;
  min = Infinity;
  max = -Infinity;

  /** @throws CurvatureError `not-finite` naming `what` */
  add(values: Float32Array, what: string): void {
    let { min, max } = this;
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (!(Math.abs(value) < Infinity))
        throw new CurvatureError(
          'not-finite',
          `Activation '${what}' holds ${value}; its range can't be found.`,
        );
      if (value < min) min = value;
      if (value > max) max = value;
    }
    [this.min, this.max] = [min, max];
    this.total += values.length;
    const largest = Math.max(-min, max, 0);
    let { exponent } = this;
    while (largest >= BINS * 2 ** exponent) exponent++;
    if (exponent > this.exponent) this.widen(exponent);
    const { counts, width } = this;
    for (let i = 0; i < values.length; i++) counts[Math.floor(values[i] / width) + BINS]++;
  }

  get width(): number {
    return 2 ** this.exponent;
  }

  /** How many magnitudes lie in [k, k + 1) widths, up to the largest. */
  magnitudes(): Float64Array {
    const used = Math.floor(Math.max(-this.min, this.max, 0) / this.width) + 1;
    return Float64Array.from(
      { length: Math.min(used, BINS) },
      (_, k) => this.counts[BINS + k] + this.counts[BINS - 1 - k],
    );
  }

  /** The value below which a share q of all lies, interpolated within a bin. */
  quantile(q: number): number {
    let rest = q * this.total;
    for (let i = 0; i < 2 * BINS; i++) {
      const count = this.counts[i];
      if (count > 0 && rest <= count) {
        const value = (i - BINS + rest / count) * this.width;
        return Math.min(this.max, Math.max(this.min, value));
      }
      rest -= count;
    }
    return this.max;
  }

  private widen(exponent: number): void {
    const factor = 2 ** (exponent - this.exponent);
    const merged = new Float64Array(2 * BINS);
    this.counts.forEach((count, i) => (merged[Math.floor((i - BINS) / factor) + BINS] += count));
    this.counts = merged;
    this.exponent = exponent;
  }
}
