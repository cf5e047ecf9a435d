import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { exportDiagonal } from '../../src/engine';
import {
  defaultExportDiagonalOptions,
  type ExportDiagonalOptions,
} from '../../src/engine/analysis/matrixOptions';
import { openArrays } from '../../src/engine/data/npz';
import { assertClose } from '../support/assertions';
import { goldenFolder } from '../support/golden';
import { Workspace } from '../support/models';
import { hessianOf, range, SAMPLES, softmaxData, softmaxModel } from '../support/softmaxRegression';

const workspace = new Workspace();
after(() => workspace.remove());
const base: ExportDiagonalOptions = {
  ...defaultExportDiagonalOptions,
  model: softmaxModel(workspace),
  data: softmaxData(workspace),
  output: path.join(workspace.folder, 'diagonal.npz'),
  executionProvider: 'cpu',
};
const read = (file: string, name: string): { shape: readonly number[]; data: number[] } => {
  const { shape, data } = openArrays(readFileSync(file), file).read(name);
  return { shape, data: Array.from(data as Float32Array) };
};

test('the diagonal of softmax regression, within its errors of the formula in float64', async () => {
  const { parts, probes, converged } = await exportDiagonal({ ...base, rtol: 0.02, maxProbes: 2000 });
  const diagonal = read(base.output, 'weight');
  const stderr = read(base.output, 'weight/stderr');
  const exact = hessianOf(range(0, SAMPLES)).diag();
  assert.deepEqual(diagonal.shape, [4, 3]);
  exact.forEach((d, i) =>
    assert.ok(Math.abs(diagonal.data[i] - d) < 4 * stderr.data[i], `${i}: ${diagonal.data[i]}, ${d}`),
  );
  assert.ok(converged && probes < 2000 && parts[0].relativeError <= 0.02);
  assertClose(parts[0].mean, exact.reduce((a, b) => a + b, 0) / exact.length, 0.02);
});

test('averaged over the kernels of a trained model, the sums are the exact traces within their errors', async () => {
  const golden = JSON.parse(readFileSync(path.join(goldenFolder, 'models', 'digits_cnn.json'), 'utf8')) as {
    tensors: Record<string, { traceHessian: number }>;
  };
  const options = {
    ...base,
    model: path.resolve('media/sample/digits_cnn.onnx'),
    data: path.resolve('media/sample/digits_cnn.npz'),
    maxProbes: 40,
    rtol: 0,
  };
  const single = await exportDiagonal(options);
  const singleErrors = new Map(
    single.parts.map(({ name }) => [name, read(base.output, `${name}/stderr`).data]),
  );
  const averaged = await exportDiagonal({ ...options, average: true });
  for (const [k, { name, shape, mean }] of averaged.parts.entries()) {
    const { data, shape: stored } = read(base.output, name);
    assert.deepEqual(stored, shape);
    assertClose(mean, single.parts[k].mean, 1e-6, name);
    if (shape.length === 4) {
      const kernel = shape[2] * shape[3];
      data.forEach((value, i) => assert.equal(value, data[i - (i % kernel)]));
      // The spread of a mean is no more than the mean of the spreads, whatever kernels share.
      const spread = read(base.output, `${name}/stderr`).data;
      const apart = singleErrors.get(name)!;
      for (let i = 0; i < data.length; i += kernel) {
        const mostly = apart.slice(i, i + kernel).reduce((a, b) => a + b, 0) / kernel;
        assert.ok(spread[i] <= mostly * (1 + 1e-6), `${name} ${i}: ${spread[i]} of ${mostly}`);
      }
    }
    const { traceHessian } = golden.tensors[name] ?? {};
    if (traceHessian === undefined) continue;
    // Errors of elements from the same probes add up at most.
    const size = data.length;
    const error = read(base.output, `${name}/stderr`).data.reduce((a, b) => a + b, 0);
    assert.ok(Math.abs(mean * size - traceHessian) < 3 * error, `${name}: ${mean * size}, ${traceHessian}`);
  }
  assert.ok(averaged.parts.some(p => p.shape.length === 4));
});
