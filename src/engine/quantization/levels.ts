import { CurvatureError } from '../errors';

/** The ends of the values that are not clipped; they need not hold 0. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** w ≈ scale · (integer − zeroPoint). */
export interface Affine {
  /** A float32, above 0. */
  readonly scale: number;
  readonly zeroPoint: number;
}

/**
 * The integers of a width. Symmetric ones go without the lowest two's complement value, as ONNX Runtime and TensorRT use
 * for weights, so that the levels are −l … l.
 * @throws CurvatureError `option-invalid` for a width outside 2 … 16
 */
export function levelsOf(bits: number, symmetric: boolean): Range {
  if (!Number.isInteger(bits) || bits < 2 || bits > 16) {
    throw new CurvatureError(
      'option-invalid',
      `A bit width of ${bits} was asked for; it must be a whole number from 2 to 16.`,
    );
  }
  const last = 2 ** (symmetric ? bits - 1 : bits) - 1;
  return { low: symmetric ? -last : 0, high: last };
}

const LARGEST_FLOAT32 = (2 - 2 ** -23) * 2 ** 127;
const float32 = (x: number): number => Math.fround(Math.max(-LARGEST_FLOAT32, Math.min(LARGEST_FLOAT32, x)));

/**
 * The scale and zero point that spread a range over the levels, in float32 arithmetic, as ONNX's DynamicQuantizeLinear
 * and ONNX Runtime compute them. The range is widened to hold 0; where nothing is left of it the scale is 1, since
 * QuantizeLinear divides by it.
 */
export function affineOf({ low, high }: Range, bits: number, symmetric: boolean): Affine {
  const last = levelsOf(bits, symmetric).high;
  if (symmetric) return { scale: float32(float32(Math.max(-low, high, 0)) / last) || 1, zeroPoint: 0 };
  const [least, largest] = [float32(Math.min(low, 0)), float32(Math.max(high, 0))];
  const scale = float32(float32(largest - least) / last) || 1;
  const zeroPoint = roundHalfToEven(Math.min(last, Math.fround(-least / scale)));
  return { scale, zeroPoint };
}

/**
 * Adding 1.5 · 2⁵² leaves a float64 no room for a fraction, so the processor's own rounding applies: ties to
 * even.
 */
export const roundHalfToEven = (x: number): number => x + 6755399441055744 - 6755399441055744;
