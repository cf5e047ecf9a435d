import assert from 'node:assert/strict';
import path from 'node:path';
import { after, test } from 'node:test';
import { inverse, Matrix } from 'ml-matrix';
import { saliency } from '../../src/engine';
import { defaultSaliencyOptions, type SaliencyOptions } from '../../src/engine/analysis/matrixOptions';
import { saliencyToText } from '../../src/engine/report/saliencyText';
import { assertClose, curvatureError } from '../support/assertions';
import { Workspace } from '../support/models';
import {
  gradientOf,
  hessianOf,
  range,
  SAMPLES,
  samples,
  samplesAt,
  SIZE,
  softmaxData,
  softmaxModel,
  weight,
} from '../support/softmaxRegression';

const workspace = new Workspace();
after(() => workspace.remove());
const base: SaliencyOptions = {
  ...defaultSaliencyOptions,
  granularity: 'channel',
  model: softmaxModel(workspace),
  data: softmaxData(workspace),
  executionProvider: 'cpu',
  batch: 7,
};
const meanLoss = (of: typeof samples): number => of.reduce((s, { loss }) => s + loss, 0) / SAMPLES;

/** The mean of g gᵀ over the first samples, in float64. */
function fisherOf(count: number): Matrix {
  const rows = new Matrix(samples.slice(0, count).map(s => Array.from(s.gradient)));
  return rows.transpose().mmul(rows).div(count);
}

test('saliencies and predictions are those of the dense matrix in float64, measurements those of the model', async () => {
  const count = 20;
  const report = await saliency({ ...base, gradients: count, damping: 0.1, sparsity: [0.25, 0.5] });
  assert.equal(report.settings.gradients, count);
  assertClose(report.loss, meanLoss(samples), 1e-5);
  const [layer] = report.layers;
  const fisher = fisherOf(count);
  const all = range(0, SAMPLES);
  const [gradient, hessian] = [Matrix.columnVector(Array.from(gradientOf(all))), hessianOf(all)];
  const damping = (0.1 * fisher.trace()) / SIZE;
  assertClose(layer.damping, damping, 1e-4);
  const damped = Matrix.add(fisher, Matrix.eye(SIZE).mul(damping));
  const diagonal = inverse(damped).diag();
  const saliencies = Array.from(weight, (w, i) => w ** 2 / (2 * diagonal[i]));
  const rising = [...saliencies.keys()].sort((a, b) => saliencies[a] - saliencies[b]);
  assertClose(
    layer.total,
    saliencies.reduce((a, b) => a + b),
    1e-4,
  );
  layer.quantiles.forEach((q, k) =>
    assertClose(q, saliencies[rising[Math.round((k / 4) * (SIZE - 1))]], 1e-4),
  );
  for (const { sparsity, saliency: sum, plain, corrected } of layer.pruned) {
    const gone = rising.slice(0, sparsity * SIZE);
    const free = rising.slice(sparsity * SIZE);
    assertClose(
      sum,
      gone.reduce((s, i) => s + saliencies[i], 0),
      1e-4,
    );
    const step = new Float64Array(SIZE);
    for (const i of gone) step[i] = -weight[i];
    const check = (found: typeof plain): void => {
      const v = Matrix.columnVector(Array.from(step));
      assertClose(found.fisher, v.dot(fisher.mmul(v)) / 2, 1e-3);
      assertClose(found.predicted!.value, gradient.dot(v) + v.dot(hessian.mmul(v)) / 2, 1e-3);
      const there = samplesAt(Array.from(weight, (w, i) => w + step[i]));
      // The loss is about 1, and float32.
      assert.ok(Math.abs(found.measured.value - (meanLoss(there) - meanLoss(samples))) < 2e-6);
    };
    check(plain);
    // The rest by the normal equations of the free weights.
    const pull = fisher.selection(free, gone).mmul(Matrix.columnVector(gone.map(i => -weight[i])));
    inverse(damped.selection(free, free))
      .mmul(pull)
      .to1DArray()
      .forEach((x, k) => (step[free[k]] = -x));
    check(corrected);
    assert.ok(corrected.fisher < plain.fisher);
  }
  const classes = 3;
  for (const { bits, plain } of layer.quantized) {
    const step = Array.from(weight, (w, i) => {
      const column = Array.from(weight).filter((_, j) => j % classes === i % classes);
      const scale = Math.max(...column.map(Math.abs)) / (2 ** (bits - 1) - 1);
      return scale * Math.round(w / scale) - w;
    });
    const v = Matrix.columnVector(step);
    assertClose(plain.fisher, v.dot(fisher.mmul(v)) / 2, 1e-3);
  }
});

test('on the trained sample the correction of pruning and rounding lowers the measured loss', async () => {
  const folder = path.resolve('media/sample');
  const report = await saliency({
    ...base,
    batch: undefined,
    model: path.join(folder, 'digits_cnn.onnx'),
    data: path.join(folder, 'digits_cnn.npz'),
    gradients: 256,
    sparsity: [0.5],
    bits: [2, 3],
  });
  const all = report.layers.flatMap(l => [...l.pruned, ...l.quantized]);
  const sum = (of: 'plain' | 'corrected', kind: 'fisher' | 'measured'): number =>
    all.reduce((s, c) => s + (kind === 'fisher' ? c[of].fisher : c[of].measured.value), 0);
  assert.ok(sum('corrected', 'fisher') < 0.8 * sum('plain', 'fisher'));
  assert.ok(
    sum('corrected', 'measured') < 0.8 * sum('plain', 'measured'),
    `${sum('corrected', 'measured')} of ${sum('plain', 'measured')}`,
  );
  const text = saliencyToText(report);
  assert.match(text, /50 % removed/);
  assert.match(text, /3 bits/);
});

test('on a trained model the expansion foretells small steps, corrected ones too, and the form of the gradients does not', async () => {
  const models = path.resolve('test/fixtures/models');
  const report = await saliency({
    ...{ ...base, batch: undefined, sparsity: [0.25], bits: [8] },
    model: path.join(models, 'mlp_digits_legacy.onnx'),
    data: path.join(models, 'digits_eval.npz'),
  });
  let [fisher, measured] = [0, 0];
  for (const { name, pruned } of report.layers) {
    for (const change of pruned) {
      for (const { predicted, measured: real } of [change.plain, change.corrected])
        // Up to 0.004 is measured; what is left are terms of third order.
        assert.ok(
          Math.abs(predicted!.value - real.value) < 3e-4,
          `${name}: ${predicted!.value}, ${real.value}`,
        );
      fisher = Math.max(fisher, change.corrected.fisher);
      measured = Math.max(measured, Math.abs(change.corrected.measured.value));
    }
  }
  assert.ok(fisher < 0.01 * measured, `${fisher} of ${measured}`);
  assert.match(saliencyToText(report), /is no forecast of corrected steps/);
});

test('samples whose labels are ignored give no gradients', async () => {
  const [without, ignored] = [
    softmaxData(workspace, 'without.npz', 5),
    softmaxData(workspace, 'ignored.npz', 0, SAMPLES, i => i < 5),
  ];
  const [expected, found] = [
    await saliency({ ...base, data: without, gradients: 4 }),
    await saliency({ ...base, data: ignored, gradients: 4 }),
  ];
  assert.equal(found.settings.gradients, 4);
  assertClose(found.layers[0].damping, expected.layers[0].damping, 1e-6);
  assertClose(found.layers[0].total, expected.layers[0].total, 1e-6);
});

test('without labels, without a layer of that name, and without the memory it is refused', async () => {
  await assert.rejects(saliency({ ...base, loss: 'kl' }), curvatureError('option-invalid', /without labels/));
  await assert.rejects(
    saliency({ ...base, layers: ['none'] }),
    curvatureError('option-invalid', /No parameter/),
  );
  await assert.rejects(
    saliency({ ...base, memory: '0.001MB', batch: 1 }),
    curvatureError('memory-exceeded', /48 gradients of weight \(12 weights\)/),
  );
});
