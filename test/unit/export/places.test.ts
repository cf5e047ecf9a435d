import assert from 'node:assert/strict';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as Kind,
  AttributeProtoSchema,
  FunctionProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import * as ort from 'onnxruntime-node';
import { exportQuantized } from '../../../src/engine/analysis/exportQuantized';
import { openModel } from '../../../src/engine/analysis/model';
import { defaultExportOptions } from '../../../src/engine/export/options';
import type { Attribute } from '../../../src/engine/graph/graph';
import { encodeGraph } from '../../../src/engine/graph/toModel';
import { encodeTensor, float32Tensor, type Tensor } from '../../../src/engine/onnx/tensor';
import { readModelFile } from '../../../src/engine/onnx/read';
import { dequantize, quantize } from '../../../src/engine/quantization/quantize';
import { weightQuantizer } from '../../../src/engine/quantization/quantizer';
import { Rng } from '../../../src/engine/util/rng';
import { curvatureError } from '../../support/assertions';
import { input, makeGraph, Workspace } from '../../support/models';

const workspace = new Workspace();
after(() => workspace.remove());
const random = Rng.of(8, 'places');
const normals = (...shape: [number, number]): Tensor =>
  float32Tensor(
    shape,
    Float32Array.from({ length: shape[0] * shape[1] }, () => random.normal()),
  );
const [own, outer, inside] = [normals(6, 4), normals(6, 4), normals(4, 4)];

const constant = (name: string, tensor: Tensor): NodeProto =>
  create(NodeProtoSchema, {
    ...{ name: `${name}_node`, opType: 'Constant', output: [name] },
    attribute: [
      create(AttributeProtoSchema, { name: 'value', type: Kind.TENSOR, t: encodeTensor('', tensor) }),
    ],
  });
const product = (a: string, b: string, y: string): NodeProto =>
  create(NodeProtoSchema, { name: y, opType: 'MatMul', input: [a, b], output: [y] });

const branch = (name: string, g: Pick<GraphProto, 'node' | 'initializer'>, output: string): Attribute => {
  const graph = create(GraphProtoSchema, {
    ...g,
    name,
    output: [create(ValueInfoProtoSchema, { name: output })],
  });
  return { proto: create(AttributeProtoSchema, { name, type: Kind.GRAPH, g: graph }) };
};

/** One branch holds its weight in a Constant node and a second one as an initializer, the other reads one of the graph around it. */
const conditional = makeGraph([input('x', 2, 6)], { outer, zero: float32Tensor([], [0]) }, [
  ['ReduceMax', ['x'], 'largest', { keepdims: { int: 0 } }],
  ['Greater', ['largest', 'zero'], 'condition'],
  [
    'If',
    ['condition'],
    'y',
    {
      then_branch: branch(
        'then_branch',
        {
          node: [constant('own', own), product('x', 'own', 'h'), product('h', 'inside', 't')],
          initializer: [encodeTensor('inside', inside)],
        },
        't',
      ),
      else_branch: branch('else_branch', { node: [product('x', 'outer', 'e')], initializer: [] }, 'e'),
    },
  ],
]);

async function run(file: string, x: Float32Array): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(file, { graphOptimizationLevel: 'disabled' });
  const { y } = await session.run({ x: new ort.Tensor('float32', x, [2, 6]) });
  await session.release();
  return y.data as Float32Array;
}

/** x · W · …, in float64. */
function products(x: Float32Array, ...weights: { shape: readonly number[]; data: Float32Array }[]): number[] {
  return weights.reduce<number[]>(
    (rows, { shape: [k, n], data }) =>
      Array.from({ length: 2 * n }, (_, at) => {
        const [row, column] = [Math.floor(at / n), at % n];
        return Array.from({ length: k }, (_, i) => rows[row * k + i] * data[i * n + column]).reduce(
          (a, b) => a + b,
        );
      }),
    [...x],
  );
}

const perChannel = { ...defaultExportOptions, granularity: 'channel' } as const;

const onGrid = ({ shape, data }: Tensor, bits: number) => ({
  shape,
  data: dequantize(quantize({ name: 'w', shape, data: data as Float32Array }, weightQuantizer(bits, 1))),
});

describe('weights of branches', () => {
  for (const format of ['qdq', 'auto'] as const) {
    test(`${format}: both branches compute with the weights on the grid`, async () => {
      const float = workspace.model('branches.onnx', conditional);
      const output = path.join(workspace.folder, 'branches_q.onnx');
      const { layers, size } = await exportQuantized(float, 4, { ...perChannel, format }, output);
      assert.deepEqual(
        layers.map(l => l.stored),
        layers.map(() => (format === 'qdq' ? 'int4' : 'uint4')),
      );
      assert.equal(layers.length, 3);
      assert.ok(Math.abs(size.predicted / size.written - 1) < 0.02);
      const positive = Float32Array.from({ length: 12 }, (_, i) => 0.1 + i / 12);
      const negative = positive.map(v => -v);
      // A block of 32 spans a whole column here, so that both formats have the same scales.
      const taken: [Float32Array, number[]][] = [
        [positive, products(positive, onGrid(own, 4), onGrid(inside, 4))],
        [negative, products(negative, onGrid(outer, 4))],
      ];
      for (const [x, expected] of taken) {
        const found = await run(output, x);
        // Rounding of float32 products of at most six terms.
        expected.forEach((value, i) => assert.ok(Math.abs(found[i] - value) < 1e-5, `${found[i]} ${value}`));
      }
    });
  }
});

test('a weight inside a function of the model stays there, and the output says why', async () => {
  const called = makeGraph([input('x', 2, 6)], { outer }, [
    ['MatMul', ['x', 'outer'], 'h'],
    ['Inner', ['h'], 'y', {}, 'own'],
  ]);
  const model = fromBinary(ModelProtoSchema, encodeGraph(called));
  model.functions = [
    create(FunctionProtoSchema, {
      ...{ name: 'Inner', domain: 'own', input: ['a'], output: ['b'] },
      node: [constant('inside', inside), product('a', 'inside', 'b')],
      opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: 17n })],
    }),
  ];
  const float = workspace.write('function.onnx', toBinary(ModelProtoSchema, model));
  const output = path.join(workspace.folder, 'function_q.onnx');
  const { layers, operatorSet } = await exportQuantized(float, 4, perChannel, output);
  assert.deepEqual(
    layers.map(l => [l.stored, l.note]),
    [
      ['int4', undefined],
      [null, "stays as it is: it is inside a function of the model's own"],
    ],
  );
  assert.equal(operatorSet.after, 21);
  const written = readModelFile(output).model;
  assert.deepEqual(written.functions[0].node, readModelFile(float).model.functions[0].node);
  const x = Float32Array.from({ length: 12 }, () => random.normal());
  const found = await run(output, x);
  products(x, onGrid(outer, 4), { shape: inside.shape, data: inside.data as Float32Array }).forEach(
    (value, i) => assert.ok(Math.abs(found[i] - value) < 1e-5),
  );
});

test('weights that one number fills take no room, and stay', async () => {
  const filled = makeGraph(
    [input('x', 2, 6)],
    { outer, shape: { elemType: 'int64', shape: [2], data: BigInt64Array.of(4n, 3n) } },
    [
      ['ConstantOfShape', ['shape'], 'w', { value: { tensor: float32Tensor([1], [0.5]) } }],
      ['MatMul', ['x', 'outer'], 'h'],
      ['MatMul', ['h', 'w'], 'y'],
    ],
  );
  const float = workspace.model('filled.onnx', filled);
  assert.deepEqual(
    openModel(float).layers.map(l => l.name),
    ['outer', 'w'],
  );
  const output = path.join(workspace.folder, 'filled_q.onnx');
  const { layers } = await exportQuantized(float, 8, defaultExportOptions, output);
  assert.match(layers[1].note!, /one number repeated/);
  await assert.rejects(
    exportQuantized(float, { w: 8 }, defaultExportOptions, output),
    curvatureError(
      'model-unsupported',
      /No layer of filled\.onnx can be quantized: w \(it is one number repeated/,
    ),
  );
});
