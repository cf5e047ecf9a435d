import { CurvatureError } from '../errors';
import { arrayConstructors, type DataArray, type ElemType, indexText, isFloat } from './array';

/** Smallest and largest value of each integer type. */
const ranges: Readonly<Partial<Record<ElemType, readonly [bigint, bigint]>>> = {
  int8: [-(2n ** 7n), 2n ** 7n - 1n],
  int16: [-(2n ** 15n), 2n ** 15n - 1n],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint8: [0n, 2n ** 8n - 1n],
  uint16: [0n, 2n ** 16n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};

/**
 * The array in the element type that the model wants: any number becomes a float, an integer becomes another
 * where it fits. Floats never become integers, and only bools are bools.
 *
 * Throws `data-mismatch` naming both types, or the first value out of range.
 */
export function convertArray(array: DataArray, wanted: ElemType): DataArray {
  const { name, dtype, shape, data } = array;
  if (dtype === wanted) return array;
  const range = ranges[wanted];
  if (!isFloat(wanted) && (isFloat(dtype) || !range)) {
    throw new CurvatureError(
      'data-mismatch',
      `Array '${name}' is ${dtype}; the model's input is ${wanted}.`,
      `Save it as ${wanted}, for example with ${name}.astype("${wanted}").`,
    );
  }

  const make = arrayConstructors[wanted];
  const result = new make(data.length);
  if (!range) {
    for (let i = 0; i < data.length; i++) result[i] = Number(data[i]);
    return { name, dtype: wanted, shape, data: result };
  }
  const isBig = typeof result[0] === 'bigint';
  const [least, most] = range;
  for (let i = 0; i < data.length; i++) {
    const value = data[i];
    if (value < least || value > most) {
      throw new CurvatureError(
        'data-mismatch',
        `Array '${name}' holds ${value} at ${indexText(i, shape)}, outside the range of the model's ${wanted}.`,
      );
    }
    result[i] = isBig ? BigInt(value) : Number(value);
  }
  return { name, dtype: wanted, shape, data: result };
}

/** Throws `data-mismatch` naming the first value that is NaN or infinite. */
export function requireFiniteValues({ name, dtype, shape, data }: DataArray): void {
  if (!isFloat(dtype)) return;
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(data[i])) continue;
    throw new CurvatureError(
      'data-mismatch',
      `Array '${name}' holds ${data[i]} at ${indexText(i, shape)}; finite numbers were expected.`,
      'Remove or mend the samples that hold NaN or infinity.',
    );
  }
}
