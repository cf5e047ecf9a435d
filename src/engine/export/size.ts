import { create, toBinary } from '@bufbuild/protobuf';
import {
  NodeProtoSchema,
  type ModelProto,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
  OperatorSetIdProtoSchema,
} from 'onnx-buf';
import { isExternal, tensorsOf } from '../onnx/externalData';
import { elemTypeCode } from '../onnx/tensor';
import { findDefinitions } from './definitions';
import { dataBytes, type Parts, partsOf, typesOf } from './parts';
import { type ExportPlan, missingDomains, type WeightPlan } from './plan';

/** Bytes that a tensor takes in a file, with the external data that it names. */
export function encodedBytes(tensor: TensorProto): number {
  if (isExternal(tensor)) {
    const length = Number(tensor.externalData.find(e => e.key === 'length')?.value ?? 0);
    const rest = { ...tensor, externalData: [], dataLocation: TensorProto_DataLocation.DEFAULT };
    return framed(toBinary(TensorProtoSchema, rest).length + framed(length));
  }
  const { length } = tensor.rawData;
  const rest = toBinary(TensorProtoSchema, { ...tensor, rawData: new Uint8Array() }).length;
  return framed(length === 0 ? rest : rest + framed(length));
}

/** A message or a run of bytes inside a message: one byte of tag, its length in groups of 7 bits, and itself. */
const framed = (length: number): number => 1 + Math.max(1, Math.ceil(Math.log2(length + 1) / 7)) + length;

/** Bytes of a weight's integers, scales and zero points. */
export const weightBytes = (parts: Parts): number =>
  typesOf(parts).reduce((sum, type) => sum + dataBytes(type), 0);

/**
 * Bytes of the file that a plan will lead to, before anything is quantized: those of the file as it is, without the weights that
 * go, with what comes for them.
 * @param fileBytes of the model's own file
 */
export function predictBytes(
  model: ModelProto,
  plan: ExportPlan,
  fileBytes: number,
): { total: number; ofWeight: ReadonlyMap<WeightPlan, number> } {
  const { names } = findDefinitions(model.graph!);
  const ofWeight = new Map<WeightPlan, number>();
  const external = tensorsOf(model).filter(isExternal);
  // What stands outside comes in, in place of the words that say where it is.
  let total = external.reduce(
    (sum, t) => sum + encodedBytes(t) - framed(toBinary(TensorProtoSchema, t).length),
    fileBytes,
  );
  for (const domain of missingDomains(model, plan)) {
    const added = create(OperatorSetIdProtoSchema, { domain, version: 1n });
    total += framed(toBinary(OperatorSetIdProtoSchema, added).length);
  }
  for (const weight of plan.weights) {
    const parts = partsOf(weight, names);
    const { node, tensor } = weight.place;
    const nodes = [...parts.before, ...parts.instead.flatMap(i => i.nodes)];
    total -= encodedBytes(tensor);
    if (node)
      total -= framed(toBinary(NodeProtoSchema, create(NodeProtoSchema, { ...node, attribute: [] })).length);
    for (const { reader } of parts.instead) total -= framed(toBinary(NodeProtoSchema, reader).length);
    for (const added of nodes) total += framed(toBinary(NodeProtoSchema, added).length);
    for (const { name, elemType, shape } of typesOf(parts)) {
      const header = create(TensorProtoSchema, {
        name,
        dims: shape.map(BigInt),
        dataType: elemTypeCode(elemType),
      });
      const bytes = framed(dataBytes({ elemType, shape }));
      total += framed(toBinary(TensorProtoSchema, header).length + bytes);
    }
    ofWeight.set(weight, weightBytes(parts));
  }
  return { total, ofWeight };
}
