import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Matrix } from 'ml-matrix';
import { learningRateBand } from '../../../src/engine/training/learningRateBand';
import { Rng } from '../../../src/engine/util/rng';
import { assertClose } from '../../support/assertions';

/** Linear regression on features of one norm, whose axes have very different variances; all samples can be fitted. */
const FEATURES = 4;
const SAMPLES = 12;
const random = Rng.of(5, 'band');
const features = Array.from({ length: SAMPLES }, () => {
  const x = [3, 1, 0.5, 0.3].map(s => s * random.normal());
  const norm = Math.hypot(...x);
  return x.map(v => (2 * v) / norm);
});
const outer = (x: readonly number[]): Matrix => new Matrix(x.map(a => x.map(b => a * b)));
const hessian = Matrix.div(
  features.reduce((sum, x) => Matrix.add(sum, outer(x)), Matrix.zeros(FEATURES, FEATURES)),
  SAMPLES,
);
const trace = hessian.trace();
const largest = largestOf(hessian);

function largestOf(m: Matrix): number {
  let v = Matrix.ones(m.rows, 1);
  for (let i = 0; i < 500; i++) v = Matrix.div(m.mmul(v), m.mmul(v).norm());
  return v.transpose().mmul(m).mmul(v).get(0, 0);
}

type Rule = 'sgd' | 'nesterov' | 'adam';

/** The step of (x_t, x_{t−1}, g_{t−1}) where the gradient is Hx, as a matrix, for H itself and for one sample's. */
function stepMatrix(rule: Rule, beta: number, rate: number, h: Matrix): Matrix {
  const eta = rule === 'adam' ? (1 - beta) * rate : rate;
  const now = rule === 'nesterov' ? 1 + beta : 1;
  const before = rule === 'nesterov' ? beta : 0;
  const n = FEATURES;
  const step = Matrix.zeros(3 * n, 3 * n);
  const eye = Matrix.eye(n);
  step.setSubMatrix(Matrix.sub(Matrix.mul(eye, 1 + beta), Matrix.mul(h, eta * now)), 0, 0);
  step.setSubMatrix(Matrix.mul(eye, -beta), 0, n);
  step.setSubMatrix(Matrix.mul(eye, eta * before), 0, 2 * n);
  step.setSubMatrix(eye, n, 0);
  step.setSubMatrix(h, 2 * n, 0);
  return step;
}

/** The growth per step of the second moments under random batches, exactly: E[A M Aᵀ] iterated on matrices. */
function growth(rule: Rule, beta: number, rate: number, batch: number): number {
  const mean = stepMatrix(rule, beta, rate, hessian);
  const deviations = features.map(x => Matrix.sub(stepMatrix(rule, beta, rate, outer(x)), mean));
  let m = Matrix.eye(3 * FEATURES);
  let factor = 1;
  for (let i = 0; i < 400; i++) {
    let next = mean.mmul(m).mmul(mean.transpose());
    for (const d of deviations)
      next = Matrix.add(next, Matrix.div(d.mmul(m).mmul(d.transpose()), SAMPLES * batch));
    factor = next.trace() / m.trace();
    m = Matrix.div(next, next.trace());
  }
  return factor;
}

for (const rule of ['sgd', 'nesterov', 'adam'] as const) {
  for (const momentum of rule === 'sgd' ? [0, 0.5, 0.9] : [0.9]) {
    describe(`${rule} with momentum ${momentum}`, () => {
      for (const batchSize of [1, 4, 64]) {
        test(`second moments fall below the band and grow above it at batch ${batchSize}`, () => {
          const { sufficient, necessary } = learningRateBand({
            ...{ largest, trace, optimizer: rule, momentum, batchSize },
          });
          assert.ok(growth(rule, momentum, 0.998 * sufficient, batchSize) < 1);
          assert.ok(growth(rule, momentum, 1.002 * necessary, batchSize) > 1);
        });
      }
    });
  }
}

test('without momentum the band is that of Wu & Su: one number at batch 1, gradient descent for large batches', () => {
  const at = (batchSize: number) =>
    learningRateBand({ largest, trace, optimizer: 'sgd', momentum: 0, batchSize });
  assertClose(at(1).sufficient, 2 / trace, 1e-9);
  assertClose(at(1).necessary, 2 / trace, 1e-9);
  assertClose(at(4).sufficient, 2 / (0.75 * largest + trace / 4), 1e-9);
  assertClose(at(4).necessary, Math.min(2 / largest, 8 / trace), 1e-9);
  assertClose(at(1e9).sufficient, 2 / largest, 1e-6);
});

for (const batchSize of [1, 4]) {
  test(`simulated SGD with batches of ${batchSize}: falls below the band, grows above it`, () => {
    const { sufficient, necessary } = learningRateBand({
      ...{ largest, trace, optimizer: 'sgd', momentum: 0, batchSize },
    });
    // Mean squares over runs, whose few large ones carry the mean: so the steps are few and the rates well beyond.
    assert.ok(meanSquare(0.8 * sufficient, batchSize, 40) < 0.5);
    assert.ok(meanSquare(1.5 * necessary, batchSize, 40) > 10);
  });
}

/** E‖θ‖² over runs, in units of its start. */
function meanSquare(rate: number, batchSize: number, steps: number): number {
  const draws = Rng.of(1, 'sgd', batchSize);
  const RUNS = 1000;
  let sum = 0;
  for (let run = 0; run < RUNS; run++) {
    let theta = Array.from({ length: FEATURES }, () => draws.normal());
    for (let t = 0; t < steps; t++) {
      const gradient = theta.map(() => 0);
      for (let k = 0; k < batchSize; k++) {
        const x = features[draws.below(SAMPLES)];
        const error = x.reduce((s, v, i) => s + v * theta[i], 0);
        x.forEach((v, i) => (gradient[i] += (error * v) / batchSize));
      }
      theta = theta.map((v, i) => v - rate * gradient[i]);
    }
    sum += theta.reduce((s, v) => s + v * v, 0) / FEATURES / RUNS;
  }
  return sum;
}
