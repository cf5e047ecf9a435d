import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Matrix } from 'ml-matrix';
import { trust } from '../../src/engine';
import { defaultTrustOptions, type TrustOptions } from '../../src/engine/analysis/matrixOptions';
import { float32Tensor } from '../../src/engine/onnx/tensor';
import { trustToText } from '../../src/engine/report/trustText';
import { assertClose, curvatureError } from '../support/assertions';
import { input, makeGraph, type NodeSpec, Workspace } from '../support/models';
import {
  FEATURES,
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
const all = range(0, SAMPLES);
const base: TrustOptions = {
  ...defaultTrustOptions,
  granularity: 'channel',
  model: softmaxModel(workspace),
  data: softmaxData(workspace),
  executionProvider: 'cpu',
  batch: 7,
};
const meanLoss = (of: typeof samples): number => of.reduce((s, { loss }) => s + loss, 0) / SAMPLES;

/** Q(W) − W: round to nearest, a column a channel, levels to ±(2^(b−1) − 1). */
function stepAt(bits: number): number[] {
  const classes = SIZE / FEATURES;
  return Array.from(weight, (w, i) => {
    const column = Array.from(
      weight.filter((_, j) => j % classes === i % classes),
      Math.abs,
    );
    const scale = Math.max(...column) / (2 ** (bits - 1) - 1);
    return scale * Math.round(w / scale) - w;
  });
}

test('losses and gradients along the steps, against softmax regression in float64', async () => {
  const report = await trust(base);
  const [layer, ...others] = report.layers;
  assert.equal(others.length, 0);
  assert.deepEqual(
    layer.steps.map(s => s.bits),
    [2, 3, 4, 8],
  );
  const [h, g] = [hessianOf(all), Matrix.columnVector(Array.from(gradientOf(all)))];
  for (const { bits, points, firstOrder, secondOrder, radius } of layer.steps) {
    const step = stepAt(bits);
    const delta = Matrix.columnVector(step);
    // Quantized weights are float32: steps of 8 bits, 1/100 of a weight, are right to 1e-5, and their products may cancel.
    assertClose(firstOrder, g.dot(delta), 1e-3);
    assertClose(secondOrder, delta.dot(h.mmul(delta)) / 2, 1e-3);
    for (const { share, loss, gradientNorm, isTrusted } of points) {
      const there = samplesAt(Array.from(weight, (w, i) => w + share * step[i]));
      const measured = meanLoss(there) - meanLoss(samples);
      const predicted = share * g.dot(delta) + (share ** 2 / 2) * delta.dot(h.mmul(delta));
      // The loss is about 1, and float32.
      assert.ok(
        Math.abs(loss.measured - measured) < 1e-6,
        `${bits} bits, ${share}: ${loss.measured}, ${measured}`,
      );
      assertClose(loss.predicted, predicted, 1e-3);
      assertClose(gradientNorm.measured, Math.hypot(...gradientOf(all, there)), 1e-4);
      assertClose(gradientNorm.predicted, Matrix.add(g, Matrix.mul(h.mmul(delta), share)).norm(), 1e-4);
      const off = Math.abs(predicted - measured) - 0.25 * Math.abs(measured);
      if (Math.abs(off) > 2 * report.rounding) assert.equal(isTrusted, off < 0);
    }
    assert.equal(
      radius,
      [...points].reverse().find((_, i) => points.slice(0, 3 - i).every(p => p.isTrusted))?.share ?? 0,
    );
  }
});

test('without labels the model is measured against its own outputs at the weights of the file', async () => {
  const { layers, loss } = await trust({ ...base, loss: 'kl', bits: [2] });
  assert.ok(Math.abs(loss) < 1e-7);
  const [{ points, firstOrder }] = layers[0].steps;
  assert.ok(Math.abs(firstOrder) < 1e-6);
  const step = stepAt(2);
  for (const { share, loss: found } of points) {
    const there = samplesAt(Array.from(weight, (w, i) => w + share * step[i]));
    const divergence = samples.reduce(
      (s, own, n) => s + own.p.reduce((t, p, c) => t + p * Math.log(p / there[n].p[c]), 0),
      0,
    );
    assertClose(found.measured, divergence / SAMPLES, 1e-4);
  }
});

test('steps that the model does not predict are marked', async () => {
  const strict = await trust({ ...base, bits: [2, 8], tolerance: 1e-9 });
  const [coarse] = strict.layers[0].steps;
  assert.ok(coarse.radius < 1);
  const text = trustToText(strict);
  assert.match(
    text,
    /^\* The second-order model is off by more than 1e-7 % of the measured change: weight at 2/m,
  );
  assert.match(text, /^weight +2 .*\*$/m);
});

test('what is no layer is refused', async () => {
  await assert.rejects(
    trust({ ...base, layers: ['bias'] }),
    curvatureError('option-invalid', /No parameter matches/),
  );
});

test('a loss that is no number is an error', async () => {
  const weights = { w: float32Tensor([2, 2], Float32Array.of(1, -1, -1, 1)) };
  const nodes: NodeSpec[] = [
    ['MatMul', ['x', 'w'], 'h'],
    ['Log', ['h'], 'y'],
  ];
  const model = workspace.model('log.onnx', makeGraph([input('x', 'N', 2)], weights, nodes));
  await assert.rejects(trust({ ...base, model, data: undefined }), curvatureError('not-finite', /NaN/));
});
