import { create } from '@bufbuild/protobuf';
import { type TensorProto, TensorProto_DataType, TensorProtoSchema } from 'onnx-buf';
import { CurvatureError, invariant } from '../errors';

export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

export type ArrayConstructor = {
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): TypedArray;
  new (length: number): TypedArray;
  readonly BYTES_PER_ELEMENT: number;
};

/**
 * What holds the elements of each type: float16 and bfloat16 are held as their bits, integers of 2 and 4 bits one to a
 * byte, where files pack them.
 */
export const storage = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int2: Int8Array,
  uint2: Uint8Array,
  int4: Int8Array,
  uint4: Uint8Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} satisfies Record<string, ArrayConstructor>;

export type ElemType = keyof typeof storage;

export interface TensorType {
  readonly elemType: ElemType;
  readonly shape: readonly number[];
}

export interface Tensor extends TensorType {
  readonly data: TypedArray;
}

const codes: readonly (readonly [ElemType, TensorProto_DataType])[] = [
  ['float32', TensorProto_DataType.FLOAT],
  ['float64', TensorProto_DataType.DOUBLE],
  ['float16', TensorProto_DataType.FLOAT16],
  ['bfloat16', TensorProto_DataType.BFLOAT16],
  ['int2', TensorProto_DataType.INT2],
  ['uint2', TensorProto_DataType.UINT2],
  ['int4', TensorProto_DataType.INT4],
  ['uint4', TensorProto_DataType.UINT4],
  ['int8', TensorProto_DataType.INT8],
  ['uint8', TensorProto_DataType.UINT8],
  ['int16', TensorProto_DataType.INT16],
  ['uint16', TensorProto_DataType.UINT16],
  ['int32', TensorProto_DataType.INT32],
  ['uint32', TensorProto_DataType.UINT32],
  ['int64', TensorProto_DataType.INT64],
  ['uint64', TensorProto_DataType.UINT64],
  ['bool', TensorProto_DataType.BOOL],
];
const typeOfCode = new Map<number, ElemType>(codes.map(([type, code]) => [code, type]));
const codeOfType = new Map<ElemType, TensorProto_DataType>(codes);

export const elemTypeOf = (code: number): ElemType | undefined => typeOfCode.get(code);

export function elemTypeCode(type: ElemType): TensorProto_DataType {
  const code = codeOfType.get(type);
  invariant(code !== undefined, `no ONNX code for ${type}`);
  return code;
}

/** Bits of the types that share bytes in files; ONNX Runtime's Node binding can't hand these out. */
const packedBits: Readonly<Partial<Record<ElemType, number>>> = { int2: 2, uint2: 2, int4: 4, uint4: 4 };

export const isPacked = (elemType: ElemType): boolean => elemType in packedBits;

export const isFloat = (type: ElemType): boolean =>
  type === 'float32' || type === 'float64' || type === 'float16' || type === 'bfloat16';

export const numElements = (shape: readonly number[]): number => shape.reduce((product, d) => product * d, 1);

export const float32Tensor = (shape: readonly number[], data: Float32Array | readonly number[]): Tensor => ({
  elemType: 'float32',
  shape,
  data: data instanceof Float32Array ? data : Float32Array.from(data),
});

export const int64Tensor = (
  values: readonly number[],
  shape: readonly number[] = [values.length],
): Tensor => ({
  elemType: 'int64',
  shape,
  data: BigInt64Array.from(values, clampedInt64),
});

const int64Max = 2n ** 63n - 1n;
const int64Min = -(2n ** 63n);

/**
 * Doubles can't hold INT64_MAX, which exporters write for "to the end"; what lies beyond the range is its
 * end.
 */
export function clampedInt64(value: number): bigint {
  const exact = BigInt(value);
  return exact > int64Max ? int64Max : exact < int64Min ? int64Min : exact;
}

/** The tensor's elements as numbers; for the small integer operands that rules read. */
export const toNumbers = (tensor: Tensor): number[] =>
  Array.from(tensor.data as ArrayLike<number | bigint>, Number);

/**
 * Decodes a TensorProto whose bytes are in the file, or in `external` where they stand beside it.
 * @throws CurvatureError `model-invalid` when dimensions and bytes do not agree, before memory is taken for
 * them.
 */
export function decodeTensor(proto: TensorProto, external?: Uint8Array): Tensor {
  const elemType = elemTypeOf(proto.dataType);
  const label = `Tensor "${proto.name}"`;
  if (elemType === undefined) {
    const found = TensorProto_DataType[proto.dataType] ?? String(proto.dataType);
    throw new CurvatureError(
      'model-unsupported',
      `${label} has element type ${found}, which is not supported.`,
      'Analyze the float model that this one was made from.',
    );
  }
  const shape = proto.dims.map(Number);
  if (shape.some(d => !Number.isSafeInteger(d) || d < 0)) {
    throw new CurvatureError('model-invalid', `${label} has impossible dimensions [${shape.join(', ')}].`);
  }
  const length = numElements(shape);
  const stored = external ?? (proto.rawData.length > 0 ? proto.rawData : undefined);
  const bits = packedBits[elemType];
  const packed = bits === undefined ? undefined : (stored ?? Uint8Array.from(proto.int32Data));
  const raw =
    packed && packed.length === Math.ceil((length * bits!) / 8) ? unpacked(packed, elemType, length) : stored;
  const found = raw ? raw.length / storage[elemType].BYTES_PER_ELEMENT : listedValues(proto, elemType).length;
  if (found !== length) {
    throw new CurvatureError(
      'model-invalid',
      `${label} of shape [${shape.join(', ')}] should hold ${length} elements, but the file has ${found}.`,
      'The file may be truncated; export or download the model again.',
    );
  }
  return { elemType, shape, data: raw ? viewOf(raw, elemType) : fromListed(proto, elemType, length) };
}

/** Several elements to a byte, the first in its lowest bits. */
function unpacked(bytes: Uint8Array, elemType: ElemType, length: number): Uint8Array {
  const bits = packedBits[elemType]!;
  const [perByte, count] = [8 / bits, 2 ** bits];
  const most = elemType.startsWith('u') ? count - 1 : count / 2 - 1;
  return Uint8Array.from({ length }, (_, i) => {
    const value = (bytes[Math.floor(i / perByte)] >> (bits * (i % perByte))) & (count - 1);
    return value > most ? value - count : value;
  });
}

function packed(data: TypedArray, bits: number): Uint8Array<ArrayBuffer> {
  const perByte = 8 / bits;
  const bytes = new Uint8Array(Math.ceil(data.length / perByte));
  data.forEach((value: number | bigint, i: number) => {
    bytes[Math.floor(i / perByte)] |= (Number(value) & (2 ** bits - 1)) << (bits * (i % perByte));
  });
  return bytes;
}

/** Typed arrays need aligned memory, which a slice of the file often isn't. */
function viewOf(bytes: Uint8Array, elemType: ElemType): TypedArray {
  const View: ArrayConstructor = storage[elemType];
  const aligned = bytes.byteOffset % View.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes);
  return new View(aligned.buffer, aligned.byteOffset, bytes.length / View.BYTES_PER_ELEMENT);
}

function listedValues(proto: TensorProto, elemType: ElemType): ArrayLike<number | bigint> {
  switch (elemType) {
    case 'float32':
      return proto.floatData;
    case 'float64':
      return proto.doubleData;
    case 'int64':
      return proto.int64Data;
    case 'uint32':
    case 'uint64':
      return proto.uint64Data;
    default:
      return proto.int32Data;
  }
}

function fromListed(proto: TensorProto, elemType: ElemType, length: number): TypedArray {
  const data = new storage[elemType](length);
  const values = listedValues(proto, elemType);
  const isBig = elemType === 'int64' || elemType === 'uint64';
  for (let i = 0; i < length; i++) data[i] = isBig ? values[i] : Number(values[i]);
  return data;
}

/** The tensor's elements as a file has them; a view where nothing needs packing. */
export function rawBytes({ elemType, data }: Tensor): Uint8Array<ArrayBuffer> {
  const bits = packedBits[elemType];
  if (bits !== undefined) return packed(data, bits);
  return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
}

export function encodeTensor(name: string, tensor: Tensor): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: tensor.shape.map(BigInt),
    dataType: elemTypeCode(tensor.elemType),
    rawData: rawBytes(tensor),
  });
}
