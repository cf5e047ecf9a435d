import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { analyze, type AnalyzeOptions } from '../../src/engine';
import { defaultOptions } from '../../src/engine/analysis/options';
import { float32Tensor } from '../../src/engine/onnx/tensor';
import { Rng } from '../../src/engine/util/rng';
import { assertClose } from '../support/assertions';
import { input, makeGraph, Workspace } from '../support/models';

const SAMPLES = 40;
const FEATURES = 5;
const OUTPUTS = 3;
/** float32 products, summed in float64: eigenvalues and traces keep five digits or more. */
const TOLERANCE = 1e-4;

const workspace = new Workspace();
after(() => workspace.remove());

const random = Rng.of(3, 'closed forms');
const normals = (n: number): Float32Array => Float32Array.from({ length: n }, () => random.normal());
const x = normals(SAMPLES * FEATURES);
const weight = normals(FEATURES * OUTPUTS);
const bias = normals(OUTPUTS);

/** y = xW + b */
const linear = workspace.model(
  'linear.onnx',
  makeGraph(
    [input('x', 'N', FEATURES)],
    { weight: float32Tensor([FEATURES, OUTPUTS], weight), bias: float32Tensor([OUTPUTS], bias) },
    [
      ['MatMul', ['x', 'weight'], 'xW'],
      ['Add', ['xW', 'bias'], 'y'],
    ],
  ),
);

const run = (data: string, options: Partial<AnalyzeOptions> = {}) =>
  analyze({ ...defaultOptions, model: linear, data, matrix: 'both', eigenvalues: 6, ...options });

/** Eigenvalues, largest first. */
const spectrum = (m: Matrix): number[] =>
  [...new EigenvalueDecomposition(m, { assumeSymmetric: true }).realEigenvalues].sort((a, b) => b - a);

/** Rows of inputs with a 1 for the bias. */
const rows = Array.from({ length: SAMPLES }, (_, n) => [...x.subarray(n * FEATURES, (n + 1) * FEATURES), 1]);

/** Σ_n A_n ⊗ x_n x_nᵀ / N, the Hessian over (weight, bias), output by output. */
function kronecker(output: (n: number) => number[][]): Matrix {
  const size = (FEATURES + 1) * OUTPUTS;
  const h = Matrix.zeros(size, size);
  rows.forEach((row, n) => {
    const a = output(n);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        const [oi, fi, oj, fj] = [i % OUTPUTS, Math.floor(i / OUTPUTS), j % OUTPUTS, Math.floor(j / OUTPUTS)];
        h.set(i, j, h.get(i, j) + (a[oi][oj] * row[fi] * row[fj]) / SAMPLES);
      }
    }
  });
  return h;
}

/** The part of the trace that belongs to the weight: all but the last rows, which are the bias. */
const weightTrace = (h: Matrix): number =>
  h
    .diagonal()
    .slice(0, FEATURES * OUTPUTS)
    .reduce((sum, d) => sum + d, 0);

const identity = (scale: number): number[][] =>
  Array.from({ length: OUTPUTS }, (_, i) => Array.from({ length: OUTPUTS }, (_, j) => (i === j ? scale : 0)));

describe('a linear model with mse: H = (2/k) XᵀX/N', () => {
  const data = workspace.npz('targets.npz', {
    x: { shape: [SAMPLES, FEATURES], data: x },
    targets: { shape: [SAMPLES, OUTPUTS], data: normals(SAMPLES * OUTPUTS) },
  });
  const h = kronecker(() => identity(2 / OUTPUTS));

  test('traces and eigenvalues', async () => {
    const report = await run(data);
    assert.equal(report.settings.loss, 'mse');
    const { ggn, hessian } = report.layers[0].trace;
    assert.ok(ggn?.exact && hessian?.exact);
    assertClose(ggn.estimate, weightTrace(h), TOLERANCE, 'GGN trace');
    assertClose(hessian.estimate, weightTrace(h), TOLERANCE, 'Hessian trace');
    spectrum(h)
      .slice(0, 6)
      .forEach((value, i) => assertClose(report.eigenvalues[i].value, value, TOLERANCE, `eigenvalue ${i}`));
  });

  test('against its own output the loss is 0 and the Hessian the same', async () => {
    const report = await run(data, {
      loss: 'mse',
      labels: undefined,
      data: workspace.npz('x.npz', { x: { shape: [SAMPLES, FEATURES], data: x } }),
    });
    assert.equal(report.loss, 0);
    assertClose(report.layers[0].trace.hessian!.estimate, weightTrace(h), TOLERANCE);
  });
});

describe('softmax regression: H = Σ (diag p − p pᵀ) ⊗ x xᵀ / N', () => {
  const labels = BigInt64Array.from({ length: SAMPLES }, () => BigInt(random.below(OUTPUTS)));
  const data = workspace.npz('labels.npz', {
    x: { shape: [SAMPLES, FEATURES], data: x },
    labels: { shape: [SAMPLES], data: labels },
  });
  const probabilities = (n: number): number[] => {
    const z = Array.from({ length: OUTPUTS }, (_, o) =>
      rows[n].reduce((sum, v, f) => sum + v * (f < FEATURES ? weight[f * OUTPUTS + o] : bias[o]), 0),
    );
    const total = z.reduce((sum, v) => sum + Math.exp(v), 0);
    return z.map(v => Math.exp(v) / total);
  };
  const h = kronecker(n => {
    const p = probabilities(n);
    return p.map((pi, i) => p.map((pj, j) => (i === j ? pi : 0) - pi * pj));
  });
  const loss = rows.reduce((sum, _, n) => sum - Math.log(probabilities(n)[Number(labels[n])]), 0) / SAMPLES;

  for (const [name, options] of [
    ['in one batch', {}],
    ['in batches of 16, the last one padded', { batch: 16 }],
    ['one by one', { batch: 1 }],
  ] as const) {
    test(`loss, traces and eigenvalues, ${name}`, async () => {
      const report = await run(data, options);
      assertClose(report.loss!, loss, 1e-5, 'loss');
      const { ggn, hessian } = report.layers[0].trace;
      assertClose(ggn!.estimate, weightTrace(h), TOLERANCE, 'GGN trace');
      assertClose(hessian!.estimate, weightTrace(h), TOLERANCE, 'Hessian trace');
      spectrum(h)
        .slice(0, 6)
        .forEach((value, i) => assertClose(report.eigenvalues[i].value, value, TOLERANCE, `eigenvalue ${i}`));
    });
  }

  test('kl needs no labels and has the same Hessian', async () => {
    const report = await run(data, { loss: 'kl' });
    assert.ok(Math.abs(report.loss!) < 1e-7);
    assertClose(report.layers[0].trace.hessian!.estimate, weightTrace(h), TOLERANCE);
    assertClose(report.eigenvalues[0].value, spectrum(h)[0], TOLERANCE);
  });

  test('ignored labels drop out of the mean', async () => {
    const kept = SAMPLES / 2;
    const half = labels.map((label, i) => (i < kept ? label : -100n));
    const ignored = await run(
      workspace.npz('ignored.npz', {
        x: { shape: [SAMPLES, FEATURES], data: x },
        labels: { shape: [SAMPLES], data: half },
      }),
    );
    const only = await run(data, { samples: kept });
    assertClose(ignored.loss!, only.loss!, 1e-5);
    assertClose(ignored.layers[0].trace.ggn!.estimate, only.layers[0].trace.ggn!.estimate, 1e-5);
    assertClose(ignored.eigenvalues[0].value, only.eigenvalues[0].value, 1e-5);
  });
});
