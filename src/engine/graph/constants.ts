import type { NodeProto, SparseTensorProto, TensorProto } from 'onnx-buf';
import { CurvatureError } from '../errors';
import {
  type ArrayConstructor,
  decodeTensor,
  float32Tensor,
  int64Tensor,
  isFloat,
  numElements,
  storage,
  type Tensor,
  toNumbers,
  type TypedArray,
} from '../onnx/tensor';

/** Reads a tensor of the file, wherever its bytes are. */
export type Decode = (proto: TensorProto) => Tensor;

/** Elements that a few bytes of the file may ask for; they must not take all memory. */
const MAX_FILLED = 1 << 28;

/** What a node gives that depends on nothing but the file: a Constant, or a ConstantOfShape of a constant shape. */
export function constantValue(
  n: NodeProto,
  constants: ReadonlyMap<string, Tensor>,
  decode: Decode = decodeTensor,
): Tensor | undefined {
  const [a] = n.attribute;
  if (n.opType === 'ConstantOfShape') {
    const shape = constants.get(n.input[0] ?? '');
    const value = a?.t ? decode(a.t) : float32Tensor([1], [0]);
    if (!shape || !isFloat(value.elemType)) return undefined;
    const dims = toNumbers(shape);
    const size = numElements(dims);
    if (!(size >= 0 && size <= MAX_FILLED)) return undefined;
    return { ...value, shape: dims, data: filled(value, size) };
  }
  if (n.opType !== 'Constant' || !a) return undefined;
  switch (a.name) {
    case 'value':
      return a.t && decode(a.t);
    case 'sparse_value':
      return a.sparseTensor && densify(a.sparseTensor, n.output[0], decode);
    case 'value_float':
      return float32Tensor([], [a.f]);
    case 'value_floats':
      return float32Tensor([a.floats.length], a.floats);
    case 'value_int':
      return int64Tensor([Number(a.i)], []);
    case 'value_ints':
      return int64Tensor(a.ints.map(Number));
    default:
      return undefined;
  }
}

function filled({ elemType, data }: Tensor, size: number): TypedArray {
  const Storage: ArrayConstructor = storage[elemType];
  return new Storage(size).fill(data[0] as never);
}

/**
 * A sparse tensor with its zeros. Indices are positions in the flat array ([nnz]) or coordinates ([nnz, rank]).
 * @throws CurvatureError `model-invalid` for indices that lie outside, before memory is taken for the whole
 */
export function densify(sparse: SparseTensorProto, name: string, decode: Decode): Tensor {
  const refuse = (why: string): never => {
    throw new CurvatureError('model-invalid', `Sparse tensor "${name}" ${why}.`);
  };
  if (!sparse.values || !sparse.indices) return refuse('lacks its values or indices');
  const values = decode(sparse.values);
  const indices = toNumbers(decode(sparse.indices));
  const dims = sparse.dims.map(Number);
  const size = numElements(dims);
  const count = values.data.length;
  if (dims.some(d => !(d >= 0)) || size > MAX_FILLED)
    return refuse(`has impossible dimensions [${dims.join(', ')}]`);
  const isFlat = sparse.indices.dims.length === 1;
  const rank = isFlat ? 1 : dims.length;
  if (indices.length !== count * rank)
    return refuse(`has ${count} values, but indices for ${indices.length / rank}`);
  const data = filled({ ...values, data: new storage[values.elemType](1) }, size);
  for (let i = 0; i < count; i++) {
    const place = indices.slice(i * rank, (i + 1) * rank);
    const isInside = isFlat ? place[0] >= 0 && place[0] < size : place.every((p, k) => p >= 0 && p < dims[k]);
    if (!isInside) return refuse(`has a value at [${place.join(', ')}], outside [${dims.join(', ')}]`);
    data[isFlat ? place[0] : place.reduce((flat, p, k) => flat * dims[k] + p, 0)] = values.data[i];
  }
  return { elemType: values.elemType, shape: dims, data };
}
