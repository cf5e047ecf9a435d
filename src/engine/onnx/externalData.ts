import { closeSync, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { type TensorProto, TensorProto_DataLocation } from 'onnx-buf';
import { CurvatureError } from '../errors';

export const isExternal = (proto: TensorProto): boolean =>
  proto.dataLocation === TensorProto_DataLocation.EXTERNAL;

/**
 * Reads a tensor's bytes from the file beside the model. A location that leaves the model's folder, by `..`,
 * an absolute path or a link, is a known attack and refused.
 */
export function readExternalData(proto: TensorProto, modelFolder: string): Uint8Array {
  const entries = new Map(proto.externalData.map(e => [e.key, e.value]));
  const location = entries.get('location') ?? '';
  const file = resolveInside(modelFolder, location, proto.name);
  const handle = openSync(file, 'r');
  try {
    const size = fstatSync(handle).size;
    const offset = Number(entries.get('offset') ?? 0);
    const length = entries.has('length') ? Number(entries.get('length')) : size - offset;
    if (!(offset >= 0 && length >= 0 && offset + length <= size)) {
      throw new CurvatureError(
        'model-invalid',
        `Tensor "${proto.name}" wants bytes ${offset} to ${offset + length} of ${location}, which has ${size}.`,
        'The external data file may be truncated or belong to another model.',
      );
    }
    const bytes = new Uint8Array(length);
    readSync(handle, bytes, 0, length, offset);
    return bytes;
  } finally {
    closeSync(handle);
  }
}

function resolveInside(folder: string, location: string, tensor: string): string {
  const refuse = (why: string): never => {
    throw new CurvatureError(
      'external-data-refused',
      `Tensor "${tensor}" stores its data in "${location}", which ${why}.`,
      'External data must be in the folder of the model. Do not open this model if you do not trust its origin.',
    );
  };
  if (location === '') return refuse('is no file name');
  if (path.isAbsolute(location) || path.win32.isAbsolute(location)) return refuse('is an absolute path');
  if (location.split(/[\\/]/).includes('..')) return refuse("leaves the model's folder");
  const joined = path.join(folder, location);
  let real: string;
  try {
    real = realpathSync(joined);
  } catch {
    throw new CurvatureError(
      'model-unreadable',
      `Tensor "${tensor}" stores its data in "${location}", which is not beside the model.`,
      'Put the external data file back into the folder of the model.',
    );
  }
  const inside = path.relative(realpathSync(folder), real);
  if (inside.startsWith('..') || path.isAbsolute(inside))
    return refuse("is a link out of the model's folder");
  return real;
}
