import { invariant } from '../errors';
import { numElements } from '../onnx/tensor';
import { forEachStretch, layoutOf } from './layout';
import { type Affine, levelsOf, roundHalfToEven } from './levels';
import type { QuantizedTensor, Quantizer } from './quantizer';
import { chooseScales } from './ranges';

export interface Weight {
  /** Appears in errors. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Row-major. */
  readonly data: Float32Array;
}

/**
 * Round-to-nearest quantization: clamp(round(w/scale) + zeroPoint), ties to even, in float32 arithmetic, the integers
 * that ONNX's QuantizeLinear gives. Files hold the integers themselves: QuantizeLinear knows no levels without the lowest
 * value, which clipping ranges need where symmetric.
 * @throws CurvatureError `option-invalid` for a width or granularity that there is not, `model-invalid` for weights
 * that aren't finite
 */
export function quantize({ name, shape, data }: Weight, quantizer: Quantizer): QuantizedTensor {
  invariant(data.length === numElements(shape), `${data.length} values of '${name}' in [${shape.join()}]`);
  const levels = levelsOf(quantizer.bits, quantizer.symmetric);
  const layout = layoutOf(shape, quantizer.granularity);
  const { scales, zeroPoints } = chooseScales(name, data, layout, quantizer);
  const integers = new Int32Array(data.length);
  forEachStretch(layout, (start, end, group, step) => {
    for (let i = start, g = group; i < end; i++, g += step) {
      const zeroPoint = zeroPoints[g];
      integers[i] =
        zeroPoint +
        roundedWithin(Math.fround(data[i] / scales[g]), levels.low - zeroPoint, levels.high - zeroPoint);
    }
  });
  return { quantizer, shape, integers, scales, zeroPoints, scaleShape: layout.scaleShape };
}

/**
 * (integer − zeroPoint) · scale in float32, as DequantizeLinear computes it; row-major.
 * @param out receives the values, where given
 */
export function dequantize(
  { quantizer, shape, integers, scales, zeroPoints }: QuantizedTensor,
  out = new Float32Array(integers.length),
): Float32Array {
  forEachStretch(layoutOf(shape, quantizer.granularity), (start, end, group, step) => {
    for (let i = start, g = group; i < end; i++, g += step)
      out[i] = (integers[i] - zeroPoints[g]) * scales[g];
  });
  return out;
}

/** Other values of the same shape, rounded to the levels of a tensor that is quantized already; row-major, in float32. */
export function roundOnto(
  { quantizer, shape, scales, zeroPoints }: QuantizedTensor,
  values: ArrayLike<number>,
): Float32Array {
  const { low, high } = levelsOf(quantizer.bits, quantizer.symmetric);
  const rounded = new Float32Array(values.length);
  forEachStretch(layoutOf(shape, quantizer.granularity), (start, end, group, step) => {
    for (let i = start, g = group; i < end; i++, g += step) {
      const [scale, zeroPoint] = [scales[g], zeroPoints[g]];
      const level = Math.fround(Math.fround(values[i]) / scale);
      rounded[i] = roundedWithin(level, low - zeroPoint, high - zeroPoint) * scale;
    }
  });
  return rounded;
}

/** ‖Q(W) − W‖² of the dequantized float32 values, summed in float64. Throws as `quantize` does. */
export function quantizationError({ name, shape, data }: Weight, quantizer: Quantizer): number {
  const levels = levelsOf(quantizer.bits, quantizer.symmetric);
  const layout = layoutOf(shape, quantizer.granularity);
  const { scales, zeroPoints } = chooseScales(name, data, layout, quantizer);
  let error = 0;
  forEachStretch(layout, (start, end, group, step) => {
    let sum = 0;
    for (let i = start, g = group; i < end; i++, g += step) {
      const zeroPoint = zeroPoints[g];
      const scale = scales[g];
      const level = roundedWithin(
        Math.fround(data[i] / scale),
        levels.low - zeroPoint,
        levels.high - zeroPoint,
      );
      const difference = Math.fround(level * scale) - data[i];
      sum += difference * difference;
    }
    error += sum;
  });
  return error;
}

/** ‖Q(a) − a‖² of values that share a scale and a zero point found beforehand. */
export function errorWith(
  values: Float32Array,
  { scale, zeroPoint }: Affine,
  { bits, symmetric }: Pick<Quantizer, 'bits' | 'symmetric'>,
): number {
  const levels = levelsOf(bits, symmetric);
  const [low, high] = [levels.low - zeroPoint, levels.high - zeroPoint];
  let error = 0;
  for (let i = 0; i < values.length; i++) {
    const difference =
      Math.fround(roundedWithin(Math.fround(values[i] / scale), low, high) * scale) - values[i];
    error += difference * difference;
  }
  return error;
}

/** Clamped first: between whole bounds that changes nothing, and what is too large to round never gets there. */
const roundedWithin = (x: number, low: number, high: number): number =>
  roundHalfToEven(x < low ? low : x > high ? high : x);
