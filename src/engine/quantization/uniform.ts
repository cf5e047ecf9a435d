import { CurvatureError, invariant } from '../errors';
import { type Vector } from '../util/vector';

export interface Weight {
  /** Appears in errors. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Row-major. */
  readonly data: Vector;
}

export interface QuantizerOptions {
  /** 2 to 16. */
  readonly bits: number;
  /** The axis of the output channels, each with its own scale; null for one scale per tensor. */
  readonly axis: number | null;
}

export interface Quantized {
  /** ‖Q(W) − W‖², summed in float64. */
  readonly error: number;
  /** One per channel. */
  readonly scales: Float64Array;
}

/**
 * Symmetric round-to-nearest quantization: Q(w) = s · round(w/s), s = max|w| / (2^(b−1) − 1) per channel,
 * ties to even.
 *
 * The levels are −(2^(b−1) − 1) … 2^(b−1) − 1, without the lowest two's complement value, as ONNX Runtime and
 * TensorRT use for weights. A channel of zeros has scale 0 and no error. `values`, where given, receives
 * Q(W).
 *
 * Throws `option-invalid` for a bit width outside 2 … 16 and `model-invalid` for weights that aren't finite.
 */
export function quantizeUniform(
  { name, shape, data }: Weight,
  { bits, axis }: QuantizerOptions,
  values?: Vector,
): Quantized {
  if (!Number.isInteger(bits) || bits < 2 || bits > 16) {
    throw new CurvatureError(
      'option-invalid',
      `A bit width of ${bits} was asked for; it must be a whole number from 2 to 16.`,
    );
  }
  const channels = axis === null ? 1 : shape[axis];
  invariant(channels !== undefined, `axis ${axis} of a weight of rank ${shape.length}`);
  const inner =
    axis === null ? data.length : shape.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const levels = 2 ** (bits - 1) - 1;

  const scales = new Float64Array(channels);
  forEachChannel(data.length, channels, inner, (channel, start) => {
    let largest = scales[channel];
    for (let i = start; i < start + inner; i++) {
      const magnitude = Math.abs(data[i]);
      // NaN fails every comparison, so it is caught by asking for what is wanted.
      if (!(magnitude < Infinity)) {
        throw new CurvatureError(
          'model-invalid',
          `Weight '${name}' holds ${data[i]} at flat index ${i}; finite numbers were expected.`,
        );
      }
      if (magnitude > largest) largest = magnitude;
    }
    scales[channel] = largest;
  });
  for (let channel = 0; channel < channels; channel++) scales[channel] /= levels;

  let error = 0;
  forEachChannel(data.length, channels, inner, (channel, start) => {
    const step = scales[channel];
    for (let i = start; i < start + inner; i++) {
      const value = step === 0 ? 0 : step * roundHalfToEven(data[i] / step);
      error += (value - data[i]) ** 2;
      if (values) values[i] = value;
    }
  });
  return { error, scales };
}

/**
 * Runs over the contiguous stretches of `inner` elements that belong to one channel, in the order of the
 * memory.
 */
function forEachChannel(
  length: number,
  channels: number,
  inner: number,
  visit: (channel: number, start: number) => void,
): void {
  for (let start = 0, stretch = 0; start < length; start += inner, stretch++)
    visit(stretch % channels, start);
}

/**
 * Adding 1.5 · 2⁵² leaves a float64 no room for a fraction, so the processor's own rounding applies: ties to
 * even.
 */
const roundHalfToEven = (x: number): number => x + 6755399441055744 - 6755399441055744;
