import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LinearOperator } from '../../../src/engine/curvature/linearOperator';
import { cancelled } from '../../../src/engine/errors';
import {
  hutchinson,
  type HutchinsonOptions,
  hutchinsonTrace as traceSteps,
  type QuadraticFormSampler,
} from '../../../src/engine/estimators/hutchinson';
import { type Estimate, type TraceProgress } from '../../../src/engine/estimators/result';
import { Rng } from '../../../src/engine/util/rng';
import { assertClose, curvatureError } from '../../support/assertions';
import { denseOperator, normalMatrix } from '../../support/denseOperator';

/** The trace that the search ends at. */
async function hutchinsonTrace(
  operator: LinearOperator,
  options: Omit<HutchinsonOptions, 'layers'>,
): Promise<Estimate> {
  const { last, error } = await collect(traceSteps(operator, options));
  if (error !== undefined) throw error as Error;
  return last.estimates[0];
}

const layers = ['a', 'b'];
const base = { layers, seed: 0, rtol: 0.05 };

/** Probe k gives 10 ± 1 for the first layer and 100 ± 50 for the second. */
const alternating: QuadraticFormSampler = probes =>
  Promise.resolve(probes.map(k => Float64Array.of(k % 2 ? 9 : 11, k % 2 ? 50 : 150)));

async function collect(
  generator: AsyncGenerator<TraceProgress>,
): Promise<{ all: TraceProgress[]; last: TraceProgress; error?: unknown }> {
  const all: TraceProgress[] = [];
  try {
    for await (const progress of generator) all.push(progress);
  } catch (error) {
    return { all, last: all[all.length - 1], error };
  }
  return { all, last: all[all.length - 1] };
}

test('the truth lies within 3 standard errors in 99 % of runs, and 1 in most', async () => {
  const operator = denseOperator(normalMatrix(20, 1));
  const runs = 300;
  let [within1, within3] = [0, 0];
  for (let seed = 0; seed < runs; seed++) {
    const { estimate, stderr } = await hutchinsonTrace(operator, { seed, rtol: 1e-9, maxProbes: 60 });
    const deviation = Math.abs(estimate - operator.trace) / stderr;
    if (deviation < 1) within1 += 1;
    if (deviation < 3) within3 += 1;
  }
  assert.ok(within3 >= 0.99 * runs, `${within3} of ${runs} within 3 stderr`);
  // A normal law has 68 %: far more would mean that the error is overstated.
  assert.ok(within1 > 0.58 * runs && within1 < 0.78 * runs, `${within1} of ${runs} within 1 stderr`);
});

test("the probes' spread is the one that theory gives", async () => {
  const operator = denseOperator(normalMatrix(20, 2));
  const m = operator.matrix;
  const offDiagonal =
    m.to1DArray().reduce((sum, x) => sum + x * x, 0) - m.diag().reduce((sum, x) => sum + x * x, 0);
  const { stderr } = await hutchinsonTrace(operator, { seed: 5, rtol: 1e-9, maxProbes: 2000 });
  assertClose(stderr, Math.sqrt((2 * offDiagonal) / 2000), 0.08);
});

test('a diagonal matrix needs no more than the least number of probes', async () => {
  const operator = denseOperator(normalMatrix(1, 3));
  const estimate = await hutchinsonTrace(operator, { seed: 9, rtol: 0.05, minProbes: 4 });
  assert.deepEqual(estimate, {
    estimate: operator.trace,
    stderr: 0,
    samples: 4,
    seed: 9,
    exact: false,
    converged: true,
  });
  assert.equal(operator.applied, 4);
});

test('the search ends when every layer has converged', async () => {
  const { last, all } = await collect(hutchinson(alternating, base));
  // stderr/mean of the second layer is 0.5/√(m − 1) for even m: below 0.05 from m = 101 on, so the cap comes first.
  assert.equal(last.samples, 100);
  assert.deepEqual(
    last.estimates.map(e => [e.estimate, e.converged]),
    [
      [10, true],
      [100, false],
    ],
  );
  assertClose(last.relativeError, 0.5 / Math.sqrt(99), 1e-12);
  assert.deepEqual(all[0], { estimates: [], samples: 1, cap: 100, relativeError: Infinity });
  assert.equal((await collect(hutchinson(alternating, { ...base, maxProbes: 1000 }))).last.samples, 101);
  assert.equal((await collect(hutchinson(alternating, { ...base, rtol: 0.5 }))).last.samples, 8);
});

test('the number of probes per call changes the calls and not the results', async () => {
  const calls: number[][] = [];
  const sampler: QuadraticFormSampler = probes => {
    calls.push(probes);
    return alternating(probes);
  };
  const options = { ...base, maxProbes: 10, rtol: 1e-9 };
  const { last } = await collect(hutchinson(sampler, { ...options, samplesPerCall: 4 }));
  assert.deepEqual(calls, [
    [0, 1, 2, 3],
    [4, 5, 6, 7],
    [8, 9],
  ]);
  assert.deepEqual(last, (await collect(hutchinson(alternating, options))).last);
});

test('a layer that the loss does not depend on has converged', async () => {
  const { last } = await collect(
    hutchinson(probes => Promise.resolve(probes.map(() => Float64Array.of(0, 1))), base),
  );
  assert.equal(last.samples, 8);
  assert.deepEqual(
    last.estimates.map(e => e.converged),
    [true, true],
  );
});

test('a value that is not finite is named, and what came before it is kept', async () => {
  const sampler: QuadraticFormSampler = async probes =>
    (await alternating(probes)).map((forms, i) => (probes[i] === 6 ? Float64Array.of(1, NaN) : forms));
  const { last, error } = await collect(hutchinson(sampler, { ...base, samplesPerCall: 4 }));
  curvatureError('not-finite', /layer 'b' became NaN at probe 6/)(error);
  assert.equal(last.samples, 6);
  assert.deepEqual(
    last.estimates.map(e => e.estimate),
    [10, 100],
  );
});

test('an aborted signal cancels before the next call', async () => {
  const controller = new AbortController();
  const sampler: QuadraticFormSampler = probes => {
    if (probes[0] === 4) controller.abort();
    return alternating(probes);
  };
  const { last, error } = await collect(hutchinson(sampler, { ...base, signal: controller.signal }));
  curvatureError('cancelled', /cancelled/)(error);
  assert.equal(last.samples, 5);

  const operator = denseOperator(normalMatrix(2, 1));
  await assert.rejects(
    hutchinsonTrace(operator, { seed: 0, rtol: 0.1, signal: AbortSignal.abort() }),
    curvatureError('cancelled', /cancelled/),
  );
  assert.equal(operator.applied, 0);
});

test("the sampler's own errors pass through", async () => {
  const { error } = await collect(hutchinson(() => Promise.reject(cancelled()), base));
  curvatureError('cancelled', /cancelled/)(error);
});

test('one probe is refused, as it has no error bar', async () => {
  const { error } = await collect(hutchinson(alternating, { ...base, maxProbes: 1 }));
  curvatureError('option-invalid', /At most 1 probes.*at least 2/)(error);
});

test('probes are those of their number, whatever ran before', async () => {
  const seen: number[][] = [];
  const spy = {
    size: 40,
    apply: (v: ArrayLike<number>) => Promise.resolve(Float64Array.from((seen.push(Array.from(v)), v))),
  };
  await hutchinsonTrace(spy, { seed: 4, rtol: 0.1 });
  assert.deepEqual(seen[5], Array.from(Rng.of(4, 'hutchinson', 5).rademacher(40)));
});
