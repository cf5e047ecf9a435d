import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { encodeTensor, rawBytes } from '../onnx/tensor';
import type { Graph, ValueInfo } from './graph';
import { encodeGraph, externalTensor, toModel } from './toModel';

/** A message of protobuf can't be longer, and the rest of a graph is small beside its initializers. */
const MAX_INLINE_BYTES = 2 ** 31 - 2 ** 27;
/** Smaller initializers stay in the file: shapes and axes among them must be known while it is loaded. */
const MIN_OUTSIDE_BYTES = 1024;
/** Where readers may map the data into memory, they want it at the start of a page. */
const PAGE_BYTES = 4096;

/** Writes a graph as a file, with its large initializers in `FILE.data` beside it where one file can't hold them. */
export function writeGraph(
  file: string,
  graph: Graph,
  outputs: readonly ValueInfo[],
  maxInlineBytes = MAX_INLINE_BYTES,
): void {
  const bytes = [...graph.initializers.values()].reduce((sum, t) => sum + t.data.byteLength, 0);
  if (bytes <= maxInlineBytes) {
    writeFileSync(file, encodeGraph(graph, outputs));
    return;
  }
  const dataFile = `${file}.data`;
  const handle = openSync(dataFile, 'w');
  try {
    let end = 0;
    const model = toModel(graph, outputs, (name, tensor) => {
      if (tensor.data.byteLength < MIN_OUTSIDE_BYTES) return encodeTensor(name, tensor);
      const data = rawBytes(tensor);
      const offset = Math.ceil(end / PAGE_BYTES) * PAGE_BYTES;
      writeAt(handle, data, offset);
      end = offset + data.byteLength;
      return externalTensor(name, tensor, {
        location: path.basename(dataFile),
        offset,
        length: data.byteLength,
      });
    });
    writeFileSync(file, toBinary(ModelProtoSchema, model));
  } finally {
    closeSync(handle);
  }
}

/** Longest piece that is written at once; systems refuse 2 GiB and more. */
const MAX_WRITE = 1 << 30;

function writeAt(handle: number, data: Uint8Array, offset: number): void {
  for (let done = 0; done < data.length;)
    done += writeSync(handle, data, done, Math.min(MAX_WRITE, data.length - done), offset + done);
}
