import { writeFileSync } from 'node:fs';
import { toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { DataFile, MAX_INLINE_BYTES, MIN_OUTSIDE_BYTES } from '../onnx/dataFile';
import { encodeTensor, rawBytes } from '../onnx/tensor';
import type { Graph, ValueInfo } from './graph';
import { encodeGraph, externalTensor, toModel } from './toModel';

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
  const beside = new DataFile(DataFile.besides(file));
  try {
    const model = toModel(graph, outputs, (name, tensor) =>
      tensor.data.byteLength < MIN_OUTSIDE_BYTES
        ? encodeTensor(name, tensor)
        : externalTensor(name, tensor, beside.append(rawBytes(tensor))),
    );
    writeFileSync(file, toBinary(ModelProtoSchema, model));
  } finally {
    beside.close();
  }
}
