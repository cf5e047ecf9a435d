import { CurvatureError } from '../errors';
import { halvesToFloats } from '../onnx/half';
import { numElements, type TypedArray } from '../onnx/tensor';
import { arrayConstructors, type DataArray, type ElemType } from './array';

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** NumPy's type codes; what isn't here is refused. */
const elemTypes: Readonly<Record<string, ElemType>> = {
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
  u1: 'uint8',
  u2: 'uint16',
  u4: 'uint32',
  u8: 'uint64',
  b1: 'bool',
};

export const isNpy = (bytes: Uint8Array): boolean => MAGIC.every((byte, i) => bytes[i] === byte);

/**
 * Reads one array in NumPy's .npy format (versions 1 to 3; NumPy Enhancement Proposal 1). The data may share
 * memory with `bytes`.
 *
 * Throws `data-unreadable` for a damaged header, missing bytes, object, string, structured and big-endian
 * arrays.
 */
export function parseNpy(name: string, bytes: Uint8Array): DataArray {
  const { descr, fortranOrder, shape, dataStart } = parseHeader(name, bytes);
  const dtype = elemTypeOf(name, descr);
  const count = numElements(shape);
  const itemSize = Number(descr.slice(2));
  const held = bytes.length - dataStart;
  if (!Number.isSafeInteger(count) || count * itemSize > held) {
    throw unreadable(
      name,
      `its header promises ${shape.join(' × ') || 'one'} elements of ${itemSize} bytes, but ${held} bytes follow`,
      'The file looks cut off or damaged; save it again.',
    );
  }
  const data =
    dtype === 'float16'
      ? halvesToFloats(view(bytes, dataStart, count, 'uint16') as Uint16Array)
      : view(bytes, dataStart, count, dtype);
  return { name, dtype, shape, data: fortranOrder && shape.length > 1 ? toRowMajor(data, shape) : data };
}

function parseHeader(
  name: string,
  bytes: Uint8Array,
): { descr: string; fortranOrder: boolean; shape: number[]; dataStart: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!isNpy(bytes) || bytes.length < 12) throw unreadable(name, 'it does not begin as a .npy array does');
  const isLong = bytes[6] >= 2;
  const start = isLong ? 12 : 10;
  const length = isLong ? view.getUint32(8, true) : view.getUint16(8, true);
  const header = new TextDecoder().decode(bytes.subarray(start, start + length));
  if (start + length > bytes.length) throw unreadable(name, 'its header is cut off');

  // A list here means named fields: a structured array.
  if (/'descr'\s*:\s*\[/.test(header)) throw unreadable(name, 'it is a structured array, with named fields');
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1];
  const fortran = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1];
  const dims = /'shape'\s*:\s*\(([\d\s,L]*)\)/.exec(header)?.[1];
  if (descr === undefined || fortran === undefined || dims === undefined) {
    throw unreadable(name, `its header is damaged: '${header.slice(0, 80).trim()}'`);
  }
  const shape = dims
    .split(',')
    .filter(dim => dim.trim() !== '')
    .map(dim => parseInt(dim, 10));
  return { descr, fortranOrder: fortran === 'True', shape, dataStart: start + length };
}

function elemTypeOf(name: string, descr: string): ElemType {
  const type = descr.slice(1);
  if (Object.hasOwn(elemTypes, type)) {
    // '|' stands for "no byte order", '=' for the order of the machine that wrote it, which NumPy never
    // saves.
    if (descr.startsWith('<') || (descr.startsWith('|') && type.endsWith('1'))) return elemTypes[type];
    if (descr.startsWith('>')) throw unreadable(name, `its type '${descr}' is big-endian`);
  }
  if (type.startsWith('O'))
    throw unreadable(name, `its type '${descr}' holds Python objects, which are not read for safety`);
  throw unreadable(name, `its type '${descr}' is not supported`);
}

function view(bytes: Uint8Array, start: number, count: number, dtype: ElemType): TypedArray {
  const make = arrayConstructors[dtype];
  const offset = bytes.byteOffset + start;
  if (offset % make.BYTES_PER_ELEMENT === 0) return new make(bytes.buffer, offset, count);
  // Not `slice`, which shares memory where `bytes` is a Buffer and so stays out of step.
  const copy = new Uint8Array(bytes.subarray(start, start + count * make.BYTES_PER_ELEMENT));
  return new make(copy.buffer, 0, count);
}

/** Column-major (Fortran) to row-major. */
function toRowMajor(data: TypedArray, shape: readonly number[]): TypedArray {
  const result = data.slice();
  const strides = shape.map((_, axis) => numElements(shape.slice(0, axis)));
  const index = new Array<number>(shape.length).fill(0);
  for (let to = 0, from = 0; to < data.length; to++) {
    result[to] = data[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] += 1;
      from += strides[axis];
      if (index[axis] < shape[axis]) break;
      from -= index[axis] * strides[axis];
      index[axis] = 0;
    }
  }
  return result;
}

const unreadable = (
  name: string,
  reason: string,
  hint = 'Save plain numeric arrays, for example np.savez("data.npz", input=x.astype("float32"), labels=y).',
): CurvatureError => new CurvatureError('data-unreadable', `Array '${name}' can't be read: ${reason}.`, hint);
