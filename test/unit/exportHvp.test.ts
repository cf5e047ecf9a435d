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
import { Workspace } from '../support/models';

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

test('a glob that matches nothing names what there is', async () => {
  await assert.rejects(
    exportHvp({ model, output, loss: 'kl', parameters: ['nothing.*'] }),
    curvatureError('option-invalid', /No parameter matches "nothing\.\*"/),
  );
});
