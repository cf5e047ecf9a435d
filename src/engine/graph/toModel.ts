import { create, toBinary } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProto_AttributeType as Kind,
  AttributeProtoSchema,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { clampedInt64, elemTypeCode, encodeTensor, rawBytes, type Tensor } from '../onnx/tensor';
import type { Attribute, Dimension, Graph, ValueInfo } from './graph';

/** Every runtime that knows the operator sets written here reads this version of the file format. */
const IR_VERSION = 10n;

/**
 * Graph → bytes of an .onnx file. Output types are left to the reader's shape inference where `outputs` gives
 * none.
 */
export function encodeGraph(graph: Graph, outputs: readonly ValueInfo[] = []): Uint8Array {
  return toBinary(ModelProtoSchema, toModel(graph, outputs, encodeTensor));
}

/** Bytes that stand beside a message, under the name that the message calls them by. */
export interface Beside {
  readonly path: string;
  readonly data: Uint8Array<ArrayBuffer>;
}

/** Initializers from this size on are handed over as they are: no copy, and no limit of 2 GiB on them all. */
const LARGE_BYTES = 1 << 20;

/** Graph → a message and its large initializers, for a reader that takes those from memory. */
export function encodeApart(graph: Graph): { model: Uint8Array; beside: readonly Beside[] } {
  const beside: Beside[] = [];
  const model = toModel(graph, [], (name, tensor) => {
    if (tensor.data.byteLength < LARGE_BYTES) return encodeTensor(name, tensor);
    const place = `initializer_${beside.length}`;
    const data = rawBytes(tensor);
    beside.push({ path: place, data });
    return externalTensor(name, tensor, { location: place, offset: 0, length: data.byteLength });
  });
  return { model: toBinary(ModelProtoSchema, model), beside };
}

/** A tensor whose bytes stand elsewhere. */
export function externalTensor(
  name: string,
  { shape, elemType }: Tensor,
  place: { location: string; offset: number; length: number },
): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: shape.map(BigInt),
    dataType: elemTypeCode(elemType),
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: Object.entries(place).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value: String(value) }),
    ),
  });
}

export function toModel(
  graph: Graph,
  outputs: readonly ValueInfo[],
  encode: (name: string, tensor: Tensor) => TensorProto,
): ModelProto {
  const known = new Map(outputs.map(o => [o.name, o]));
  return create(ModelProtoSchema, {
    irVersion: IR_VERSION,
    producerName: 'curvature',
    opsetImport: [...graph.opsets].map(([domain, version]) =>
      create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }),
    ),
    graph: create(GraphProtoSchema, {
      name: graph.name,
      input: graph.inputs.map(valueInfoProto),
      output: graph.outputs.map(name => {
        const info = known.get(name);
        return info ? valueInfoProto(info) : create(ValueInfoProtoSchema, { name });
      }),
      initializer: [...graph.initializers].map(([name, tensor]) => encode(name, tensor)),
      node: graph.nodes.map(n =>
        create(NodeProtoSchema, {
          name: n.name,
          opType: n.opType,
          domain: n.domain,
          input: [...n.inputs],
          output: [...n.outputs],
          attribute: Object.entries(n.attributes).map(([name, a]) => attributeProto(name, a)),
        }),
      ),
    }),
  });
}

function attributeProto(name: string, a: Attribute): AttributeProto {
  if ('proto' in a) return a.proto;
  if ('int' in a) return create(AttributeProtoSchema, { name, type: Kind.INT, i: clampedInt64(a.int) });
  if ('ints' in a)
    return create(AttributeProtoSchema, { name, type: Kind.INTS, ints: a.ints.map(clampedInt64) });
  if ('float' in a) return create(AttributeProtoSchema, { name, type: Kind.FLOAT, f: a.float });
  if ('floats' in a) return create(AttributeProtoSchema, { name, type: Kind.FLOATS, floats: [...a.floats] });
  if ('string' in a)
    return create(AttributeProtoSchema, { name, type: Kind.STRING, s: new TextEncoder().encode(a.string) });
  return create(AttributeProtoSchema, { name, type: Kind.TENSOR, t: encodeTensor('', a.tensor) });
}

function valueInfoProto(v: ValueInfo): ValueInfoProto {
  return create(ValueInfoProtoSchema, {
    name: v.name,
    type: create(TypeProtoSchema, {
      value: {
        case: 'tensorType',
        value: create(TypeProto_TensorSchema, {
          elemType: elemTypeCode(v.elemType),
          shape: create(TensorShapeProtoSchema, { dim: v.shape.map(dimensionProto) }),
        }),
      },
    }),
  });
}

function dimensionProto(d: Dimension) {
  if (d === null) return create(TensorShapeProto_DimensionSchema, {});
  return create(TensorShapeProto_DimensionSchema, {
    value: typeof d === 'number' ? { case: 'dimValue', value: BigInt(d) } : { case: 'dimParam', value: d },
  });
}
