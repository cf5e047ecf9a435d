/**
 * One estimated number with its own error. `stderr` is the probes' noise on the given data, not the data's.
 */
export interface Estimate {
  readonly estimate: number;
  /** Standard error of `estimate`; 0 when `exact`. */
  readonly stderr: number;
  /**
   * What other samples of the same kind would change it by: one standard error over the samples, or over batches where samples can't be told
   * apart, without the draws' noise. Absent where nothing tells.
   */
  readonly dataStderr?: number;
  /** How many probes or draws the estimate rests on. */
  readonly samples: number;
  readonly seed: number;
  /** True when every direction was taken, so that only rounding is left. */
  readonly exact: boolean;
  /** Whether stderr ≤ rtol · |estimate|. */
  readonly converged: boolean;
}

/** An eigenvalue of an operator within a subspace. */
export interface RitzValue {
  readonly value: number;
  /** ‖Av − θv‖ / |θ| of the Ritz pair, from |β_m y_m|. */
  readonly residual: number;
  readonly converged: boolean;
}

/** What an adaptive estimator yields after each call of its sampler. */
export interface TraceProgress {
  /** One per layer; empty as long as there is no unbiased estimate with an error. */
  readonly estimates: readonly Estimate[];
  readonly samples: number;
  /** The most samples that will be taken. */
  readonly cap: number;
  /** Largest stderr/|estimate| over the layers; Infinity while there are none. */
  readonly relativeError: number;
}

/**
 * stderr/|estimate|, 0 where both are 0: a layer that the loss doesn't depend on has nothing left to find.
 */
export const relativeError = (estimate: number, stderr: number): number =>
  stderr === 0 ? 0 : stderr / Math.abs(estimate);
