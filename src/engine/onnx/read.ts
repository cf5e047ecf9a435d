import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { type ModelProto, ModelProtoSchema } from 'onnx-buf';
import { CurvatureError } from '../errors';
import { systemReason } from '../util/systemReason';

/**
 * Node can't read a file of 2 GiB or more in one piece, and protobuf forbids such messages: weights go beside
 * the file.
 */
const MAX_FILE_BYTES = 2 ** 31 - 1;

/** @throws CurvatureError `model-unreadable` when the file can't be read or is no ONNX model. */
export function readModelFile(file: string): { model: ModelProto; bytes: Uint8Array } {
  let bytes: Uint8Array;
  try {
    if (statSync(file).size > MAX_FILE_BYTES) {
      throw new CurvatureError(
        'model-unsupported',
        `${path.basename(file)} is larger than 2 GiB.`,
        'Save the model with external data (onnx.save_model(…, save_as_external_data=True)).',
      );
    }
    bytes = readFileSync(file);
  } catch (error) {
    if (error instanceof CurvatureError) throw error;
    throw new CurvatureError('model-unreadable', `'${file}' can't be read: ${systemReason(error)}.`);
  }
  return { model: decodeModel(bytes, path.basename(file)), bytes };
}

export function decodeModel(bytes: Uint8Array, name: string): ModelProto {
  const refuse = (why: string, hint: string): never => {
    throw new CurvatureError('model-unreadable', `${name} is not a readable ONNX model: ${why}.`, hint);
  };
  const exportAgain = 'Export or download the model again.';
  if (bytes.length === 0) return refuse('the file is empty', exportAgain);
  const head = Buffer.from(bytes.subarray(0, 64)).toString('latin1');
  if (head.startsWith('version https://git-lfs')) {
    return refuse('it is a Git LFS pointer, not the file itself', 'Run git lfs pull.');
  }
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes);
  } catch {
    return isText(bytes)
      ? refuse(
          `it holds text (it begins with ${JSON.stringify(head.slice(0, 24))})`,
          'Choose a file that an ONNX exporter wrote.',
        )
      : refuse('it is truncated or damaged', exportAgain);
  }
  if (!model.graph || model.opsetImport.length === 0) {
    return isText(bytes)
      ? refuse(
          `it holds text (it begins with ${JSON.stringify(head.slice(0, 24))})`,
          'Choose a file that an ONNX exporter wrote.',
        )
      : refuse(model.graph ? 'it names no operator set' : 'it holds no graph', exportAgain);
  }
  if (model.graph.node.length === 0) return refuse('its graph has no nodes', exportAgain);
  return model;
}

/** Printable bytes only: a model has zero bytes within its first numbers. */
function isText(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 512).every(b => b >= 32 || b === 9 || b === 10 || b === 13);
}
