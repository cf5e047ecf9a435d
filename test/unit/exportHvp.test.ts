import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { exportHvp } from '../../src/engine';
import { openDataset } from '../../src/engine/data/dataset';
import { fromModel } from '../../src/engine/graph/fromModel';
import { decodeModel } from '../../src/engine/onnx/read';
import { float32Tensor, type Tensor } from '../../src/engine/onnx/tensor';
import { Session } from '../../src/engine/runtime/session';
import { norm } from '../../src/engine/util/vector';
import { curvatureError } from '../support/assertions';
import { goldenFolder } from '../support/golden';
import { input as inputOf, makeGraph, Workspace } from '../support/models';

const workspace = new Workspace();
after(() => workspace.remove());
const output = path.join(workspace.folder, 'hvp.onnx');
const model = 'test/fixtures/models/vit_digits_legacy.onnx';
const data = 'test/fixtures/models/digits_eval.npz';

const exported = () => fromModel(decodeModel(readFileSync(output), 'hvp.onnx'), workspace.folder);

test('the exported graph gives loss, gradient and product of a trained model', async () => {
  const { batch } = await exportHvp({ model, output, data, loss: 'auto' });
  assert.equal(batch, 256, 'all samples of the data in one batch');
  const graph = exported();
  const golden = JSON.parse(
    readFileSync(path.join(goldenFolder, 'models/vit_digits_legacy.json'), 'utf8'),
  ) as {
    loss: number;
    tensors: Record<string, { shape: number[]; HvJoint: number[] }>;
  };
  const names = Object.keys(golden.tensors);
  assert.deepEqual(
    graph.inputs.map(i => i.name).sort(),
    ['input', 'labels', ...names.map(n => `${n}/tangent`)].sort(),
  );
  assert.deepEqual(
    [...graph.outputs].sort(),
    ['loss', ...names.flatMap(n => [`${n}/gradient`, `${n}/hvp`])].sort(),
  );

  const set = openDataset(readFileSync(data), 'digits_eval.npz', {
    inputs: [graph.inputs.find(i => i.name === 'input')!],
  });
  const feeds: Record<string, Tensor> = {
    input: {
      elemType: 'float32',
      shape: graph.inputs.find(i => i.name === 'input')!.shape as number[],
      data: set.inputs.get('input')!.data,
    },
    labels: { elemType: 'int64', shape: [256], data: set.labels!.data },
  };
  for (const n of names) {
    const { shape, HvJoint } = golden.tensors[n];
    feeds[`${n}/tangent`] = float32Tensor(
      shape,
      Float32Array.from(HvJoint, (_, i) => (Math.imul(i, 2654435761) < 0 ? -1 : 1)),
    );
  }
  const session = await Session.create(graph);
  const results = await session.run(feeds);
  await session.dispose();
  assert.ok(Math.abs(Number(results['loss'].data[0]) / golden.loss - 1) < 1e-5);
  const found = Float64Array.from(names.flatMap(n => [...(results[`${n}/hvp`].data as Float32Array)]));
  const expected = Float64Array.from(names.flatMap(n => golden.tensors[n].HvJoint));
  assert.ok(norm(found.map((v, i) => v - expected[i])) < 1e-4 * norm(expected));
});

test('parameters are chosen by globs, and a batch without data by its number', async () => {
  const { parameters } = await exportHvp({
    model,
    output,
    loss: 'cross-entropy',
    batch: 3,
    parameters: ['head.*', '*.ln?.bias'],
  });
  assert.deepEqual(parameters, [
    'layers.0.ln1.bias',
    'layers.0.ln2.bias',
    'layers.1.ln1.bias',
    'layers.1.ln2.bias',
    'head.weight',
    'head.bias',
  ]);
  const { inputs } = exported();
  assert.deepEqual(inputs.find(i => i.name === 'labels')?.shape, [3]);
  assert.equal(inputs.filter(i => i.name.endsWith('/tangent')).length, 6);
});

test('an integer that is the same for all samples is built in, and told', async () => {
  const rate = { name: 'rate', elemType: 'int64' as const, shape: [] };
  const graph = makeGraph(
    [inputOf('x', 'N', 4), rate],
    {
      w: float32Tensor(
        [4, 3],
        Float32Array.from({ length: 12 }, (_, i) => i / 12),
      ),
    },
    [
      ['Cast', ['rate'], 'factor', { to: { int: 1 } }],
      ['MatMul', ['x', 'w'], 'z'],
      ['Mul', ['z', 'factor'], 'y'],
    ],
  );
  const file = workspace.model('rate.onnx', graph);
  const x = { shape: [2, 4], data: new Float32Array(8).fill(1) };
  const three = workspace.npz('rate.npz', { x, rate: { shape: [], data: BigInt64Array.of(3n) } });
  const { builtIn } = await exportHvp({ model: file, output, data: three, loss: 'mse' });
  assert.deepEqual(
    builtIn.map(i => [i.name, Number(i.data[0])]),
    [['rate', 3]],
  );
  const written = exported();
  assert.deepEqual(written.inputs.map(i => i.name).sort(), ['targets', 'w/tangent', 'x']);
  const session = await Session.create(written);
  const { ['w/hvp']: product } = await session.run({
    x: float32Tensor(x.shape, x.data),
    targets: float32Tensor([2, 3], new Float32Array(6)),
    'w/tangent': float32Tensor([4, 3], new Float32Array(12).fill(1)),
  });
  await session.dispose();
  // H V = (2 / (N k)) rate² Xᵀ X V: with ones, 2/6 · 9 · 2 · 4.
  assert.ok((product.data as Float32Array).every(v => Math.abs(v - 24) < 1e-3));
});

test('a glob that matches nothing names what there is', async () => {
  await assert.rejects(
    exportHvp({ model, output, loss: 'kl', parameters: ['nothing.*'] }),
    curvatureError('option-invalid', /No parameter matches "nothing\.\*"/),
  );
});
