import { writeFileSync } from 'node:fs';
import { create, toBinary } from '@bufbuild/protobuf';
import {
  type ModelProto,
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation as Location,
} from 'onnx-buf';
import { DataFile, type DataPlace, MAX_INLINE_BYTES, MIN_OUTSIDE_BYTES } from '../onnx/dataFile';
import { isExternal, readExternalData, tensorsOf } from '../onnx/externalData';
import { bodiesOf } from './definitions';
import { encodedBytes } from './size';

/**
 * Writes a model with all its data in the one file, or where that can't hold them with the larger initializers in `FILE.data`
 * beside it. Takes the data out of the model as it goes.
 * @param folder of the model as it was read, where its external data are
 * @returns the files and the bytes of them all
 */
export function writeModel(
  file: string,
  model: ModelProto,
  folder: string,
  maxInlineBytes = MAX_INLINE_BYTES,
): { bytes: number; files: readonly string[] } {
  const initializers = new Set(bodiesOf(model.graph!).flatMap(body => body.initializer));
  const others = tensorsOf(model).filter(t => !initializers.has(t));
  const isInline = [...initializers].reduce((sum, t) => sum + encodedBytes(t), 0) <= maxInlineBytes;
  const beside = isInline ? undefined : new DataFile(DataFile.besides(file));
  let outside = 0;
  try {
    for (const t of others) if (isExternal(t)) moveInside(t, readExternalData(t, folder));
    for (const t of initializers) {
      if (!isExternal(t) && (!beside || t.rawData.length < MIN_OUTSIDE_BYTES)) continue;
      const data = isExternal(t) ? readExternalData(t, folder) : t.rawData;
      if (!beside || data.length < MIN_OUTSIDE_BYTES) moveInside(t, data);
      else {
        const place = beside.append(data);
        outside = place.offset + place.length;
        moveOutside(t, place);
      }
    }
  } finally {
    beside?.close();
  }
  const bytes = toBinary(ModelProtoSchema, model);
  writeFileSync(file, bytes);
  return { bytes: bytes.length + outside, files: beside ? [file, beside.file] : [file] };
}

function moveInside(tensor: TensorProto, data: Uint8Array<ArrayBuffer>): void {
  tensor.rawData = data;
  tensor.externalData = [];
  tensor.dataLocation = Location.DEFAULT;
}

function moveOutside(tensor: TensorProto, place: DataPlace): void {
  tensor.rawData = new Uint8Array();
  tensor.dataLocation = Location.EXTERNAL;
  tensor.externalData = Object.entries(place).map(([key, value]) =>
    create(StringStringEntryProtoSchema, { key, value: String(value) }),
  );
}
