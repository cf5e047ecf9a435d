import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { type ModelProto, ModelProtoSchema } from 'onnx-buf';
import * as ort from 'onnxruntime-node';
import { exportQuantized } from '../../../src/engine/analysis/exportQuantized';
import { openModel } from '../../../src/engine/analysis/model';
import { defaultExportOptions, type ExportOptions } from '../../../src/engine/export/options';
import { writeModel } from '../../../src/engine/export/writeModel';
import type { Graph } from '../../../src/engine/graph/graph';
import { encodeGraph } from '../../../src/engine/graph/toModel';
import { readModelFile } from '../../../src/engine/onnx/read';
import { float32Tensor, int64Tensor, numElements, type Tensor } from '../../../src/engine/onnx/tensor';
import { Rng } from '../../../src/engine/util/rng';
import { curvatureError } from '../../support/assertions';
import { input, makeGraph, Workspace } from '../../support/models';

const workspace = new Workspace();
after(() => workspace.remove());

const normal = (seed: number, ...shape: number[]): Tensor => {
  const random = Rng.of(seed, 'weights');
  return float32Tensor(
    shape,
    Float32Array.from({ length: numElements(shape) }, () => random.normal()),
  );
};

/** A convolution, a product from the right with either layout of Gemm and with MatMul, and an odd number of columns. */
const network = (opset: number): Graph =>
  makeGraph(
    [input('x', 2, 3, 5, 5)],
    {
      'conv.weight': normal(1, 4, 3, 3, 3),
      'fc.weight': normal(2, 40, 36),
      'fc.bias': normal(3, 40),
      'mid.weight': normal(4, 40, 21),
      'head.weight': normal(5, 21, 7),
      'head.bias': normal(6, 7),
      norm: normal(7, 40),
    },
    [
      ['Conv', ['x', 'conv.weight'], 'c'],
      ['Flatten', ['c'], 'f'],
      ['Gemm', ['f', 'fc.weight', 'fc.bias'], 'g', { transB: { int: 1 } }],
      ['Mul', ['g', 'norm'], 'n'],
      ['Tanh', ['n'], 't'],
      ['MatMul', ['t', 'mid.weight'], 'm'],
      ['Gemm', ['m', 'head.weight', 'head.bias'], 'y'],
    ],
    opset,
  );

async function run(file: string, feeds: Record<string, Tensor>): Promise<Float32Array> {
  // Optimizations make integer products of activations that are rounded to int8.
  const session = await ort.InferenceSession.create(file, { graphOptimizationLevel: 'disabled' });
  const tensors = Object.entries(feeds).map(
    ([name, t]) => [name, new ort.Tensor(t.elemType as 'float32', t.data as Float32Array, t.shape)] as const,
  );
  const results = await session.run(Object.fromEntries(tensors));
  await session.release();
  return results[session.outputNames[0]].data as Float32Array;
}

/** The float model with the weights that the quantized file holds, as this engine's reader decodes them. */
function withWeightsOf(quantized: string, float: string): string {
  const { graph } = openModel(quantized);
  const own = openModel(float);
  const weights = own.layers.map(l => l.initializer);
  const initializers = new Map(own.graph.initializers);
  for (const name of weights) initializers.set(name, graph.initializers.get(name)!);
  return workspace.write('reference.onnx', encodeGraph({ ...own.graph, initializers }));
}

const furthest = (a: Float32Array, b: Float32Array): number => {
  const scale = b.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  return a.reduce((most, v, i) => Math.max(most, Math.abs(v - b[i])), 0) / scale;
};

/** Sums of float32 products in another order, of 40 terms at most. */
const ROUNDING = 1e-5;

const options = (changes: Partial<ExportOptions> = {}): ExportOptions => ({
  ...defaultExportOptions,
  granularity: 'channel',
  ...changes,
});

const stored: readonly [bits: number, symmetric: boolean, type: string][] = [
  ...([
    [2, true, 'int4'],
    [3, true, 'int4'],
    [4, true, 'int4'],
    [5, true, 'int8'],
    [8, true, 'int8'],
    [9, true, 'int16'],
    [16, true, 'int16'],
  ] as [number, boolean, string][]),
  ...([
    [4, false, 'uint4'],
    [8, false, 'uint8'],
    [12, false, 'uint16'],
  ] as [number, boolean, string][]),
];

describe('what DequantizeLinear makes of the file is the quantized weight', () => {
  const float = workspace.model('float.onnx', network(17));
  for (const [bits, symmetric, type] of stored) {
    for (const how of [{}, { granularity: 'tensor' }, { blockSize: 16 }] as const) {
      const name = `${bits} bits ${symmetric ? 'around 0' : 'with zero points'} ${JSON.stringify(how)}`;
      test(name, async () => {
        const output = path.join(workspace.folder, 'q.onnx');
        const summary = await exportQuantized(float, bits, options({ symmetric, ...how }), output);
        const last = summary.layers.at(-1)!;
        assert.deepEqual([last.name, last.stored, last.to], ['head.weight', type, bits]);
        const x = normal(9, 2, 3, 5, 5);
        const expected = await run(withWeightsOf(output, float), { x });
        assert.ok(furthest(await run(output, { x }), expected) < ROUNDING);
        assert.equal(statSync(output).size, summary.size.written);
        assert.ok(Math.abs(summary.size.predicted / summary.size.written - 1) < 0.02);
      });
    }
  }

  test('2 bits where rows end with a byte', async () => {
    const float2 = workspace.model(
      'two.onnx',
      makeGraph([input('x', 3, 12)], { w: normal(1, 12, 8) }, [['MatMul', ['x', 'w'], 'y']]),
    );
    const output = path.join(workspace.folder, 'q2.onnx');
    const { layers, operatorSet } = await exportQuantized(float2, 2, options(), output);
    assert.deepEqual([layers[0].stored, layers[0].bytes, operatorSet.after], ['int2', 24 + 32, 25]);
    const x = normal(2, 3, 12);
    assert.ok(furthest(await run(output, { x }), await run(withWeightsOf(output, float2), { x })) < ROUNDING);
  });
});

describe('MatMulNBits computes the product with the quantized weight', () => {
  const float = workspace.model('float_n.onnx', network(17));
  for (const bits of [2, 3, 4, 6, 8]) {
    for (const symmetric of [true, false]) {
      for (const blockSize of [16, 32]) {
        test(`${bits} bits, blocks of ${blockSize}, ${symmetric ? 'around 0' : 'with zero points'}`, async () => {
          const outputs = ['n.onnx', 'd.onnx'].map(file => path.join(workspace.folder, file));
          const [matrices, dequantized] = outputs;
          const asked = { 'fc.weight': bits, 'mid.weight': bits, 'head.weight': bits };
          const { layers, size } = await exportQuantized(
            float,
            asked,
            options({ format: 'auto', symmetric, blockSize }),
            matrices,
          );
          assert.deepEqual(
            layers.map(l => l.format),
            [null, 'matmulnbits', 'matmulnbits', 'matmulnbits'],
          );
          assert.ok(Math.abs(size.predicted / size.written - 1) < 0.02);
          // The same blocks behind DequantizeLinear, whose decoding is checked above.
          await exportQuantized(float, asked, options({ symmetric, blockSize }), dequantized);
          const x = normal(9, 2, 3, 5, 5);
          assert.ok(furthest(await run(matrices, { x }), await run(dequantized, { x })) < ROUNDING);
        });
      }
    }
  }

  test('what it does not take stays in float, or goes behind DequantizeLinear', async () => {
    const output = path.join(workspace.folder, 'n.onnx');
    const only = await exportQuantized(float, 4, options({ format: 'matmulnbits' }), output);
    assert.deepEqual([only.layers[0].stored, only.layers[1].stored], [null, 'uint4']);
    assert.match(only.layers[0].note!, /matrices only/);
    const auto = await exportQuantized(float, 4, options({ format: 'auto' }), output);
    assert.deepEqual([auto.layers[0].stored, auto.layers[0].format], ['int4', 'qdq']);
  });
});

const edited = (graph: Graph, change: (model: ModelProto) => void): Uint8Array => {
  const model = fromBinary(ModelProtoSchema, encodeGraph(graph));
  change(model);
  return toBinary(ModelProtoSchema, model);
};

test('everything but the weights stays as the file has it', async () => {
  const float = workspace.write(
    'kept.onnx',
    edited(network(17), model => {
      model.producerName = 'someone';
      model.metadataProps = [{ $typeName: 'onnx.StringStringEntryProto', key: 'a', value: 'b' }];
      model.graph!.node[2].docString = 'the first product';
    }),
  );
  const output = path.join(workspace.folder, 'kept_q.onnx');
  await exportQuantized(float, { 'mid.weight': 8 }, options(), output);
  const [before, after] = [float, output].map(file => readModelFile(file).model);
  assert.deepEqual(after.graph!.node.slice(1), before.graph!.node);
  assert.equal(after.graph!.node[0].opType, 'DequantizeLinear');
  assert.deepEqual(after.graph!.node[0].output, ['mid.weight']);
  const without = before.graph!.initializer.filter(t => t.name !== 'mid.weight');
  assert.deepEqual(after.graph!.initializer.slice(0, without.length), without);
  assert.deepEqual(
    [after.producerName, after.metadataProps, after.opsetImport],
    [before.producerName, before.metadataProps, before.opsetImport],
  );
});

test('a tied weight is stored once, and read transposed and as it is', async () => {
  const tied = workspace.model(
    'tied.onnx',
    makeGraph([{ name: 'ids', elemType: 'int64', shape: [2, 3] }], { table: normal(1, 11, 6) }, [
      ['Gather', ['table', 'ids'], 'e'],
      ['Transpose', ['table'], 't', { perm: { ints: [1, 0] } }],
      ['MatMul', ['e', 't'], 'y'],
    ]),
  );
  const output = path.join(workspace.folder, 'tied_q.onnx');
  const { layers } = await exportQuantized(tied, 4, options({ format: 'auto' }), output);
  assert.deepEqual(
    layers.map(l => [l.format, l.stored, l.bytes]),
    [['qdq', 'int4', 33 + 44]],
  );
  const ids = int64Tensor([0, 3, 10, 5, 5, 1], [2, 3]);
  const fed = { ids: { ...ids, elemType: 'int64' as const } };
  assert.ok(furthest(await run(output, fed), await run(withWeightsOf(output, tied), fed)) < ROUNDING);
});

describe('operator sets', () => {
  const withSoftmax = (axis: number): Graph =>
    makeGraph(
      [input('x', 2, 3, 8)],
      { w: normal(1, 8, 8) },
      [
        ['MatMul', ['x', 'w'], 'm'],
        ['ReduceMean', ['m'], 'r', { axes: { ints: [1] }, keepdims: { int: 1 } }],
        ['Sub', ['m', 'r'], 's'],
        ['Softmax', ['s'], 'y', { axis: { int: axis } }],
      ],
      11,
    );
  const x = normal(2, 2, 3, 8);

  test('are raised where attributes can become operands', async () => {
    const float = workspace.model('raise.onnx', withSoftmax(-1));
    const output = path.join(workspace.folder, 'raise_q.onnx');
    const { operatorSet } = await exportQuantized(float, 4, options(), output);
    assert.deepEqual(operatorSet, { before: 11, after: 21 });
    assert.ok(furthest(await run(output, { x }), await run(withWeightsOf(output, float), { x })) < ROUNDING);
  });

  test('stay where an operator would change its meaning, and the runtime has an operator of its own', async () => {
    const float = workspace.model('stay.onnx', withSoftmax(1));
    const output = path.join(workspace.folder, 'stay_q.onnx');
    const { operatorSet, notes } = await exportQuantized(float, 4, options(), output);
    assert.deepEqual(operatorSet, { before: 11, after: 11 });
    assert.match(notes[0], /Softmax can't be brought there from 11.*com\.microsoft/);
    assert.ok(furthest(await run(output, { x }), await run(withWeightsOf(output, float), { x })) < ROUNDING);
    await assert.rejects(
      exportQuantized(float, 4, options({ blockSize: 4 }), output),
      curvatureError('option-invalid', /Blocks need operator set 21; the model is in 11, and Softmax/),
    );
  });

  test('initializers that old files list as inputs are inputs no more', async () => {
    const listed = edited(network(9), model => {
      model.irVersion = 3n;
      const [x0] = model.graph!.input;
      for (const t of model.graph!.initializer)
        model.graph!.input.push({ ...x0, name: t.name, type: undefined });
    });
    const float = workspace.write('listed.onnx', listed);
    const output = path.join(workspace.folder, 'listed_q.onnx');
    await exportQuantized(float, { 'fc.weight': 8 }, options(), output);
    const { model } = readModelFile(output);
    assert.deepEqual(
      model.graph!.input.map(i => i.name),
      ['x'],
    );
  });
});

describe('half precision', () => {
  for (const format of ['qdq', 'auto'] as const) {
    test(`${format}: the nodes around the weight still get it in half precision`, async () => {
      const half = { elemType: 'float16' as const, shape: [32, 6] };
      const bits = Uint16Array.from({ length: 192 }, (_, i) => 0x3000 + ((i * 37) % 0x700));
      const float = workspace.model(
        'half.onnx',
        makeGraph([input('x', 4, 32)], { w: { ...half, data: bits } }, [
          ['Cast', ['x'], 'h', { to: { int: 10 } }],
          ['MatMul', ['h', 'w'], 'm'],
          ['Cast', ['m'], 'y', { to: { int: 1 } }],
        ]),
      );
      const output = path.join(workspace.folder, 'half_q.onnx');
      const { layers } = await exportQuantized(float, 8, options({ format }), output);
      assert.deepEqual([layers[0].from, layers[0].to], [16, 8]);
      const x = normal(3, 4, 32);
      // Half a step of 8 bits is 0.2 % of the largest weight, a half's own rounding 0.05 %.
      assert.ok(furthest(await run(output, { x }), await run(float, { x })) < 0.02);
    });
  }
});

test('data outside the file are brought in, and taken out where one file can not hold them', async () => {
  const float = workspace.model('outside.onnx', network(17));
  const { model } = readModelFile(float);
  const large = path.join(workspace.folder, 'large.onnx');
  const { bytes, files } = writeModel(large, model, workspace.folder, 2000);
  assert.deepEqual(files, [large, `${large}.data`]);
  assert.equal(bytes, statSync(large).size + statSync(`${large}.data`).size);
  const x = normal(9, 2, 3, 5, 5);
  assert.deepEqual(await run(large, { x }), await run(float, { x }));
  const output = path.join(workspace.folder, 'inside.onnx');
  const { size } = await exportQuantized(large, { 'fc.weight': 4 }, options(), output);
  assert.ok(!existsSync(`${output}.data`));
  assert.equal(size.before, bytes);
  assert.ok(Math.abs(size.predicted / size.written - 1) < 0.02);
  const direct = path.join(workspace.folder, 'direct.onnx');
  await exportQuantized(float, { 'fc.weight': 4 }, options(), direct);
  assert.deepEqual(await run(output, { x }), await run(direct, { x }));
  await assert.rejects(
    exportQuantized(large, 4, options(), path.join(workspace.folder, 'large.onnx')),
    curvatureError('option-invalid', /large\.onnx' is what the model is read from/),
  );
});

describe('refusals', () => {
  const float = workspace.model('refuse.onnx', network(17));
  const output = path.join(workspace.folder, 'refused.onnx');
  const refused: [string, Record<string, number> | number, Partial<ExportOptions>, RegExp, string][] = [
    ['an unknown layer', { 'fc.weigth': 4 }, {}, /no layer 'fc\.weigth'/, 'problem-invalid'],
    ['one bit', { 'fc.weight': 1 }, {}, /'fc\.weight' is given 1 bits/, 'problem-invalid'],
    ['nothing to do', { 'fc.weight': 32 }, {}, /No layer is given a width below 32/, 'problem-invalid'],
    ['odd blocks', 4, { format: 'auto', blockSize: 24 }, /Blocks of 24/, 'option-invalid'],
    [
      'wide matrices',
      12,
      { format: 'matmulnbits' },
      /No layer of refuse\.onnx .* 8 bits/,
      'model-unsupported',
    ],
  ];
  for (const [what, bits, changes, message, code] of refused) {
    test(what, async () => {
      await assert.rejects(
        exportQuantized(float, bits, options(changes), output),
        curvatureError(code as 'problem-invalid', message),
      );
      assert.ok(!existsSync(output));
    });
  }

  test('a misspelt layer with the nearest name', async () => {
    await assert.rejects(exportQuantized(float, { 'mid.wieght': 4 }, options(), output), {
      hint: "Did you mean 'mid.weight'?",
    });
  });

  test('a model that is quantized already', async () => {
    const once = path.join(workspace.folder, 'once.onnx');
    await exportQuantized(float, 8, options(), once);
    await assert.rejects(
      exportQuantized(once, 4, options(), output),
      curvatureError('model-unsupported', /once\.onnx is quantized already/),
    );
    await exportQuantized(float, { 'mid.weight': 8 }, options(), once);
    const { layers } = await exportQuantized(once, 4, options(), output);
    const notes = layers.flatMap(l => l.note ?? []);
    assert.deepEqual(notes, ['stays as it is: it is in 8 bits already']);
    writeFileSync(output, readFileSync(once));
  });
});
