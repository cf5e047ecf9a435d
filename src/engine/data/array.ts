import {
  type ArrayConstructor,
  type ElemType as OnnxElemType,
  storage,
  type TypedArray,
} from '../onnx/tensor';

/** Element types that a file of arrays can hold, by ONNX's names. */
export type ElemType = Exclude<OnnxElemType, 'bfloat16' | 'int2' | 'uint2' | 'int4' | 'uint4'>;

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

/**
 * Which axis of a model's input counts the samples: null for an input that is the same for all of them, `whole` for one that has no
 * such axis since all of it belongs to a single sample, as the nodes of a graph do.
 */
export type SampleAxis = number | 'whole' | null;

/** An input of the model, its samples on axis 0. */
export interface InputArray extends DataArray {
  /** Where the model has them. An array without samples is as the model takes it in every run. */
  readonly sampleAxis: SampleAxis;
}

/** The shape of an input's array as the model takes it; several samples that the model has no axis for are counted in front. */
export function modelShape({ shape, sampleAxis }: InputArray): number[] {
  const [first, ...rest] = shape;
  if (sampleAxis === 'whole') return first === 1 ? rest : [...shape];
  return sampleAxis === null ? [...shape] : rest.toSpliced(sampleAxis, 0, first);
}

/** Moves one axis to another place among the others. */
export function moveAxis<T extends { readonly shape: readonly number[]; readonly data: TypedArray }>(
  array: T,
  from: number,
  to: number,
): T {
  if (from === to) return array;
  const { shape, data } = array;
  const order = shape.map((_, axis) => axis).filter(axis => axis !== from);
  order.splice(to, 0, from);
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const moved = order.map(axis => shape[axis]);
  const result = new (data.constructor as ArrayConstructor)(data.length);
  const index = moved.map(() => 0);
  for (let i = 0; i < result.length; i++) {
    result[i] = data[index.reduce((at, k, axis) => at + k * strides[order[axis]], 0)];
    for (let axis = index.length - 1; axis >= 0 && ++index[axis] === moved[axis]; axis--) index[axis] = 0;
  }
  return { ...array, shape: moved, data: result };
}

/** What holds the elements of each type in memory. */
export const arrayConstructors: Readonly<Record<ElemType, ArrayConstructor>> = {
  ...storage,
  float16: Float32Array,
};

const inNoFile = new Set(['bfloat16', 'int2', 'uint2', 'int4', 'uint4']);

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
