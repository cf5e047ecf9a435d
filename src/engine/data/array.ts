import {
  type ArrayConstructor,
  type ElemType as OnnxElemType,
  storage,
  type TypedArray,
} from '../onnx/tensor';

/** Element types that a file of arrays can hold, by ONNX's names. */
export type ElemType = Exclude<OnnxElemType, 'bfloat16' | 'int4' | 'uint4'>;

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

/** What holds the elements of each type in memory. */
export const arrayConstructors: Readonly<Record<ElemType, ArrayConstructor>> = {
  ...storage,
  float16: Float32Array,
};

const inNoFile = new Set(['bfloat16', 'int4', 'uint4']);

export const isElemType = (name: string): name is ElemType =>
  !inNoFile.has(name) && Object.hasOwn(arrayConstructors, name);

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
