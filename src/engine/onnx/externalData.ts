import { closeSync, fstatSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import {
  type AttributeProto,
  type GraphProto,
  type ModelProto,
  type TensorProto,
  TensorProto_DataLocation,
} from 'onnx-buf';
import { CurvatureError } from '../errors';

export const isExternal = (proto: TensorProto): boolean =>
  proto.dataLocation === TensorProto_DataLocation.EXTERNAL;

/** All tensors of a model: initializers and those of attributes, of its branches, loop bodies and functions as well. */
export function tensorsOf(model: ModelProto): TensorProto[] {
  const ofAttribute = (a: AttributeProto): TensorProto[] => [
    ...(a.t ? [a.t] : []),
    ...a.tensors,
    ...(a.g ? [a.g] : a.graphs).flatMap(ofGraph),
  ];
  const ofGraph = (graph: GraphProto): TensorProto[] => [
    ...graph.initializer,
    ...graph.node.flatMap(n => n.attribute.flatMap(ofAttribute)),
  ];
  const ofFunctions = model.functions.flatMap(f => f.node.flatMap(n => n.attribute.flatMap(ofAttribute)));
  return [...ofGraph(model.graph!), ...ofFunctions];
}

/** The files beside a model that its tensors name, with their bytes. */
export function externalFiles(model: ModelProto, modelFolder: string): Map<string, number> {
  const locations = tensorsOf(model)
    .filter(isExternal)
    .map(t => ({ name: t.name, location: t.externalData.find(e => e.key === 'location')?.value ?? '' }));
  const files = new Map(locations.map(({ name, location }) => [location, name]));
  return new Map(
    [...files].map(([location, name]) => {
      const file = resolveInside(modelFolder, location, name);
      return [file, statSync(file).size];
    }),
  );
}

/**
 * Reads a tensor's bytes from the file beside the model. A location that leaves the model's folder, by `..`,
 * an absolute path or a link, is a known attack and refused.
 */
export function readExternalData(proto: TensorProto, modelFolder: string): Uint8Array<ArrayBuffer> {
  const entries = new Map(proto.externalData.map(e => [e.key, e.value]));
  const location = entries.get('location') ?? '';
  const file = resolveInside(modelFolder, location, proto.name);
  const handle = openSync(file, 'r');
  try {
    const size = fstatSync(handle).size;
    const offset = Number(entries.get('offset') ?? 0);
    const length = entries.has('length') ? Number(entries.get('length')) : size - offset;
    const isNumber = Number.isSafeInteger(offset) && Number.isSafeInteger(length);
    if (!(isNumber && offset >= 0 && length >= 0 && offset + length <= size)) {
      throw new CurvatureError(
        'model-invalid',
        `Tensor "${proto.name}" wants bytes ${offset} to ${offset + length} of ${location}, which has ${size}.`,
        'The external data file may be truncated or belong to another model.',
      );
    }
    return readBytes(handle, offset, length);
  } finally {
    closeSync(handle);
  }
}

/** Longest piece that is read at once; systems refuse 2 GiB and more. */
const MAX_READ = 1 << 30;

function readBytes(handle: number, offset: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const read = readSync(handle, bytes, done, Math.min(MAX_READ, length - done), offset + done);
    if (read === 0) throw new CurvatureError('model-unreadable', 'External data ended while it was read.');
    done += read;
  }
  return bytes;
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
