import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { fromBinary } from '@bufbuild/protobuf';
import { TensorProtoSchema } from 'onnx-buf';
import { fromModel } from '../../src/engine/graph/fromModel';
import type { Graph } from '../../src/engine/graph/graph';
import { toFloat32 } from '../../src/engine/graph/toFloat32';
import { decodeModel } from '../../src/engine/onnx/read';
import { decodeTensor, type ElemType, isFloat, isPacked, type Tensor } from '../../src/engine/onnx/tensor';
import type { Feeds } from '../../src/engine/runtime/session';

/** One of ONNX's own node tests, with all floats as float32. */
export interface NodeTest {
  readonly name: string;
  readonly graph: Graph;
  readonly feeds: Feeds;
  /** One per output of the graph. */
  readonly expected: readonly Tensor[];
  /** The coarsest floating point type that the case is written in. */
  readonly precision: ElemType;
}

/** The latest operator set that ONNX Runtime runs; what is newer is read as if it were of this one. */
const LATEST = 26;

type Range = readonly [start: number, end: number];

/** All cases as test/golden/nodeTests.py writes them; those that can't be read as functions that throw. */
export function nodeTests(): Map<string, () => NodeTest> {
  const content = gunzipSync(readFileSync(path.resolve('test/fixtures/nodeTests/cases.bin.gz')));
  const start = content.indexOf('\n') + 1;
  const part = ([from, to]: Range): Uint8Array => content.subarray(start + from, start + to);
  const index = JSON.parse(content.toString('utf8', 0, start)) as Record<
    string,
    { model: Range; inputs: Range[]; outputs: Range[] }
  >;
  const tensor = (range: Range): Tensor => decodeTensor(fromBinary(TensorProtoSchema, part(range)));
  return new Map(
    Object.entries(index).map(([name, ranges]) => [
      name,
      () => {
        const read = fromModel(decodeModel(part(ranges.model), name), '.');
        const inputs = ranges.inputs.map(tensor);
        const outputs = ranges.outputs.map(tensor);
        if ([...inputs, ...outputs].some(t => isPacked(t.elemType)))
          throw new Error('ONNX Runtime exchanges no values of 4 bits with Node');
        const version = Math.min(read.opsets.get('') ?? LATEST, LATEST);
        const bound: Graph = {
          ...read,
          opsets: new Map(read.opsets).set('', version),
          inputs: read.inputs.map((info, i) => ({ ...info, shape: inputs[i].shape })),
        };
        const widened = widen([...inputs, ...outputs]);
        return {
          name,
          graph: toFloat32(bound),
          feeds: Object.fromEntries(read.inputs.map((info, i) => [info.name, widened[i]])),
          expected: widened.slice(inputs.length),
          precision: coarsest([...inputs, ...outputs].map(t => t.elemType)),
        };
      },
    ]),
  );
}

/** Tensors as the engine reads them from a file. */
function widen(tensors: readonly Tensor[]): Tensor[] {
  const initializers = new Map(tensors.map((t, i) => [String(i), t]));
  const graph: Graph = { name: '', opsets: new Map(), inputs: [], outputs: [], nodes: [], initializers };
  return [...toFloat32(graph).initializers.values()];
}

const coarsest = (types: readonly ElemType[]): ElemType =>
  (['bfloat16', 'float16'] as const).find(t => types.includes(t)) ?? 'float32';

/** Operands that are floats but settings all the same. */
const settings = new Set(['roi', 'scales', 'ratio', 'min', 'max', 'constant_value', 'depth', 'value']);

/** The case with everything but its data stored in the model, as exporters write axes, shapes and indices. */
export function withStoredSettings(test: NodeTest): NodeTest {
  const isData = (name: string): boolean => isFloat(test.feeds[name].elemType) && !settings.has(name);
  const [data, stored] = [true, false].map(kind => test.graph.inputs.filter(i => isData(i.name) === kind));
  const initializers = new Map(test.graph.initializers);
  for (const { name } of stored) initializers.set(name, test.feeds[name]);
  return {
    ...test,
    graph: { ...test.graph, inputs: data, initializers },
    feeds: Object.fromEntries(data.map(({ name }) => [name, test.feeds[name]])),
  };
}
