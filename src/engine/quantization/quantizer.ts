/** Which values share one scale. */
export type Granularity =
  | { readonly kind: 'tensor' }
  /** One scale per index of `axis`. */
  | { readonly kind: 'channel'; readonly axis: number }
  /** One scale per `size` neighbours along `axis`; the last block of a row may be shorter. */
  | { readonly kind: 'block'; readonly axis: number; readonly size: number };

/** Of weights without blocks. */
export type PlainGranularity = Exclude<Granularity, { kind: 'block' }>;

/**
 * How the range of a group of values is found: its ends, a percentile of the magnitudes, or the clipping with the least
 * squared error.
 */
export const rangeMethods = ['min-max', 'percentile', 'mse'] as const;
export type RangeMethod = (typeof rangeMethods)[number];

/** Whether weights share a scale per output channel, per tensor, or `auto`: per channel where its scales are worth their bytes. */
export const granularityChoices = ['auto', 'channel', 'tensor'] as const;
export type GranularityChoice = (typeof granularityChoices)[number];

/** How numbers become integers of few bits. */
export interface Quantizer {
  /** 2 to 16. */
  readonly bits: number;
  /** Symmetric: levels −(2^(b−1) − 1) … 2^(b−1) − 1, zero point 0. Else 0 … 2^b − 1, with a zero point. */
  readonly symmetric: boolean;
  readonly granularity: Granularity;
  readonly range: RangeMethod;
}

/** A tensor as integers, as QuantizeLinear gives them: W ≈ scale · (integer − zeroPoint). */
export interface QuantizedTensor {
  readonly quantizer: Quantizer;
  /** Of the tensor. */
  readonly shape: readonly number[];
  /** Row-major. */
  readonly integers: Int32Array;
  /** Row-major over `scaleShape`, float32 as files hold them. */
  readonly scales: Float32Array;
  /** Of the shape of `scales`; zeros where symmetric. */
  readonly zeroPoints: Int32Array;
  /** [] for a tensor, [channels] for a channel, the tensor's own with ⌈n/size⌉ at `axis` for blocks. */
  readonly scaleShape: readonly number[];
}

/** Symmetric min-max, one scale per output channel, or for the tensor where those lie along no axis. */
export const weightQuantizer = (bits: number, channelAxis: number | null): Quantizer => ({
  bits,
  symmetric: true,
  granularity: channelAxis === null ? { kind: 'tensor' } : { kind: 'channel', axis: channelAxis },
  range: 'min-max',
});
