import { Matrix } from 'ml-matrix';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  exactGaussNewtonTrace,
  gaussNewtonTrace,
  type GradientNormSampler,
} from '../../../src/engine/estimators/gaussNewtonTrace';
import { type TraceProgress } from '../../../src/engine/estimators/result';
import { Rng } from '../../../src/engine/util/rng';
import { assertClose, curvatureError } from '../../support/assertions';

const layers = ['first', 'second'];
const N = 12;
const CLASSES = 4;
const sizes = [6, 3];

/** A made-up model: per sample and layer a Jacobian, per sample softmax probabilities; traces known in closed form. */
function softmaxProblem(seed: number) {
  const random = Rng.of(seed, 'softmax');
  const normal = (rows: number, columns: number): Matrix =>
    new Matrix(Array.from({ length: rows }, () => Array.from({ length: columns }, () => random.normal())));
  const samples = Array.from({ length: N }, () => {
    const scores = Array.from({ length: CLASSES }, () => Math.exp(random.normal()));
    const total = scores.reduce((a, b) => a + b, 0);
    const p = Matrix.columnVector(scores.map(x => x / total));
    const root = Matrix.columnVector(scores.map(x => Math.sqrt(x / total)));
    const factor = Matrix.diag(root.to1DArray()).sub(p.mmul(root.transpose()));
    return { p, factor, jacobians: sizes.map(size => normal(CLASSES, size)) };
  });
  const traces = sizes.map((_, l) =>
    samples.reduce((sum, { p, jacobians }) => {
      const outputHessian = Matrix.diag(p.to1DArray()).sub(p.mmul(p.transpose()));
      return sum + jacobians[l].transpose().mmul(outputHessian).mmul(jacobians[l]).trace() / N;
    }, 0),
  );
  const norms = (vector: (sample: number) => number[]): Float64Array[] =>
    sizes.map((_, l) =>
      Float64Array.from(samples, ({ factor, jacobians }, i) => {
        const cotangent = factor.mmul(Matrix.columnVector(vector(i)));
        return jacobians[l].transpose().mmul(cotangent).norm() ** 2 / N;
      }),
    );
  const sampler =
    (drawSeed: number): GradientNormSampler =>
    draws =>
      Promise.resolve(draws.map(k => norms(i => Array.from(Rng.of(drawSeed, k, i).rademacher(CLASSES)))));
  const columns: GradientNormSampler = draws =>
    Promise.resolve(
      draws.map(c => norms(() => Array.from({ length: CLASSES }, (_, i) => (i === c ? 1 : 0)))),
    );
  return { traces, sampler, columns };
}

async function last(generator: AsyncGenerator<TraceProgress>): Promise<TraceProgress> {
  let result: TraceProgress | undefined;
  for await (const progress of generator) result = progress;
  assert.ok(result);
  return result;
}

const never = { layers, seed: 0, rtol: 1e-9 };

test('the truth lies within 1.96 standard errors in 95 ± 3 % of runs, and 1 in most', async () => {
  const { traces, sampler } = softmaxProblem(1);
  const runs = 1000;
  const within = [0, 0];
  for (let seed = 0; seed < runs; seed++) {
    const { estimates } = await last(gaussNewtonTrace(sampler(seed), { ...never, maxDraws: 12 }));
    estimates.forEach(({ estimate, stderr }, l) => {
      const deviation = Math.abs(estimate - traces[l]) / stderr;
      if (deviation < 1) within[0] += 1;
      if (deviation < 1.96) within[1] += 1;
    });
  }
  const trials = runs * layers.length;
  assert.ok(
    within[1] > 0.92 * trials && within[1] < 0.98 * trials,
    `${within[1]} of ${trials} within 1.96 stderr`,
  );
  assert.ok(
    within[0] > 0.6 * trials && within[0] < 0.76 * trials,
    `${within[0]} of ${trials} within 1 stderr`,
  );
});

test('all columns of the factor give the trace exactly', async () => {
  const { traces, columns } = softmaxProblem(2);
  const steps: TraceProgress[] = [];
  const options = { layers, seed: 3, columns: CLASSES, samplesPerCall: 3 };
  for await (const progress of exactGaussNewtonTrace(columns, options)) steps.push(progress);
  assert.deepEqual(
    steps.map(s => [s.samples, s.estimates.length]),
    [
      [3, 0],
      [4, 2],
    ],
  );
  steps[1].estimates.forEach((e, l) => {
    assertClose(e.estimate, traces[l], 1e-12);
    assert.deepEqual(e, {
      estimate: e.estimate,
      stderr: 0,
      dataStderr: e.dataStderr,
      samples: 4,
      seed: 3,
      exact: true,
      converged: true,
    });
  });
});

test('the error pools the draws within samples; how samples differ does not enter', async () => {
  // Sample i is 1000·i ± 1, so the samples' spread would give an error a hundred times as large.
  const sampler: GradientNormSampler = draws =>
    Promise.resolve(
      draws.map(k => [Float64Array.from({ length: 4 }, (_, i) => 1000 * i + ((k + i) % 2 ? 1 : -1))]),
    );
  const { estimates } = await last(gaussNewtonTrace(sampler, { ...never, layers: ['only'], maxDraws: 8 }));
  assert.equal(estimates[0].estimate, 6000);
  // s_i² = 8/7 for each of 4 samples, over m = 8 draws.
  assertClose(estimates[0].stderr, Math.sqrt((4 * 8) / 7 / 8), 1e-12);
});

test('the noise of the data is that of the estimate over sets of samples, whatever the draws add', async () => {
  const [sets, samples, draws] = [2000, 60, 3];
  const squares = [0, 0];
  for (let set = 0; set < sets; set++) {
    const random = Rng.of(set, 'data');
    // Samples' parts of variance 1, and draws of variance 4 around each.
    const parts = random.normals(samples);
    const noise = Array.from({ length: draws }, () => random.normals(samples));
    const drawn: GradientNormSampler = asked =>
      Promise.resolve(asked.map(k => [Float64Array.from(parts, (part, i) => 100 + part + 2 * noise[k][i])]));
    const exact: GradientNormSampler = asked =>
      Promise.resolve(asked.map(() => [Float64Array.from(parts, part => 100 + part)]));
    const one = { layers: ['only'], seed: 0 };
    const [a] = (await last(gaussNewtonTrace(drawn, { ...one, rtol: 1e-9, maxDraws: draws }))).estimates;
    const [b] = (await last(exactGaussNewtonTrace(exact, { ...one, columns: 1 }))).estimates;
    squares[0] += (a.dataStderr ?? NaN) ** 2 / sets;
    squares[1] += (b.dataStderr ?? NaN) ** 2 / sets;
  }
  // The sum of 60 parts of variance 1 has the variance 60. By the variance of a sample variance, 2σ⁴/(n − 1), the means over the sets have standard
  // errors of 0.62 and 0.25; the cut at zero adds about 0.2 to the first.
  assert.ok(Math.abs(squares[0] - samples) < 2.1, `${squares[0]}`);
  assert.ok(Math.abs(squares[1] - samples) < 0.75, `${squares[1]}`);
});

test('a layer may give one number per draw, beside layers that give one per sample', async () => {
  const sampler: GradientNormSampler = draws =>
    Promise.resolve(draws.map(k => [Float64Array.of(k % 2 ? 3 : 5), Float64Array.of(1, 2, 3)]));
  const { estimates, samples } = await last(gaussNewtonTrace(sampler, { ...never, rtol: 0.05 }));
  assert.deepEqual(
    estimates.map(e => e.estimate),
    [4, 6],
  );
  assert.ok(samples > 20 && samples < 30, `${samples} draws`);
  assert.deepEqual([estimates[1].stderr, estimates[1].converged], [0, true]);
});

test('two draws are enough where they agree', async () => {
  const sampler: GradientNormSampler = draws =>
    Promise.resolve(draws.map(() => [Float64Array.of(1), Float64Array.of(2)]));
  assert.equal((await last(gaussNewtonTrace(sampler, { ...never, rtol: 0.05 }))).samples, 2);
});

test('a value that is not finite is named with layer, draw and sample', async () => {
  const { sampler } = softmaxProblem(1);
  const broken: GradientNormSampler = async draws => {
    const norms = await sampler(0)(draws);
    if (draws[0] === 3) norms[0][1][5] = Infinity;
    return norms;
  };
  await assert.rejects(
    last(gaussNewtonTrace(broken, never)),
    curvatureError('not-finite', /layer 'second' became Infinity at draw 3, sample 5/),
  );
  await assert.rejects(
    last(exactGaussNewtonTrace(broken, { layers, seed: 0, columns: 4 })),
    curvatureError('not-finite', /layer 'second' became Infinity at draw 3, sample 5/),
  );
});

test('an aborted signal cancels both ways', async () => {
  const { sampler, columns } = softmaxProblem(1);
  const signal = AbortSignal.abort();
  await assert.rejects(
    last(gaussNewtonTrace(sampler(0), { ...never, signal })),
    curvatureError('cancelled', /./),
  );
  await assert.rejects(
    last(exactGaussNewtonTrace(columns, { layers, seed: 0, columns: 4, signal })),
    curvatureError('cancelled', /./),
  );
});
