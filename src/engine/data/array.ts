import { type TypedArray } from '../onnx/tensor';

/** Element types by ONNX's names in lower case. */
export type ElemType =
  | 'float16'
  | 'float32'
  | 'float64'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'bool';

/**
 * A named array, row-major. float16 values are held in a Float32Array (exactly), bools as 0 and 1 in a
 * Uint8Array.
 */
export interface DataArray {
  readonly name: string;
  readonly dtype: ElemType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

type ArrayConstructor<T extends TypedArray = TypedArray> = {
  new (length: number): T;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): T;
  readonly BYTES_PER_ELEMENT: number;
};

/** What holds the elements of each type in memory. */
export const arrayConstructors: Readonly<Record<ElemType, ArrayConstructor>> = {
  float16: Float32Array,
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
};

export const isElemType = (name: string): name is ElemType => Object.hasOwn(arrayConstructors, name);

export const isFloat = (dtype: ElemType): boolean => dtype.startsWith('float');

/** `[3, 2, 5]`: where in an array of this shape the element at a flat index is. */
export function indexText(flat: number, shape: readonly number[]): string {
  const index: number[] = [];
  for (let rest = flat, axis = shape.length - 1; axis >= 0; axis--) {
    index.unshift(rest % shape[axis]);
    rest = Math.floor(rest / shape[axis]);
  }
  return `[${index.join(', ')}]`;
}
