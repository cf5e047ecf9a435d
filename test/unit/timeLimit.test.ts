import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { analyze, coupling, exportDiagonal, saliency, spectrum, trust } from '../../src/engine';
import {
  defaultCouplingOptions,
  defaultExportDiagonalOptions,
  defaultSaliencyOptions,
  defaultSpectrumOptions,
  defaultTrustOptions,
} from '../../src/engine/analysis/matrixOptions';
import { defaultOptions } from '../../src/engine/analysis/options';
import { hutchinsonTrace } from '../../src/engine/estimators/hutchinson';
import { lanczos } from '../../src/engine/estimators/lanczos';
import type { TraceProgress } from '../../src/engine/estimators/result';
import { stochasticLanczos } from '../../src/engine/estimators/stochasticLanczos';
import { estimateTrace } from '../../src/engine/estimators/trace';
import { TimeBudget } from '../../src/engine/util/timeBudget';
import { denseOperator, matrixWithSpectrum } from '../support/denseOperator';

const models = path.resolve('test/fixtures/models');
const files = {
  model: path.join(models, 'mlp_digits_legacy.onnx'),
  data: path.join(models, 'digits_eval.npz'),
  executionProvider: 'cpu',
};
const eigenvalues = Array.from({ length: 200 }, (_, i) => 0.97 ** i);
const matrix = denseOperator(matrixWithSpectrum(eigenvalues, 1));

/** An operator with a clock that each product moves by a second. */
function ticking() {
  let seconds = 0;
  const operator = {
    size: matrix.size,
    apply: (v: Float32Array | Float64Array) => {
      seconds++;
      return matrix.apply(v);
    },
  };
  const spentOf = (limit: number) => new TimeBudget(limit, () => 1000 * seconds).share(1);
  return { operator, spentOf, seconds: () => seconds };
}

async function last<T>(search: AsyncGenerator<T, void, void>): Promise<T> {
  let found: T | undefined;
  for await (const step of search) found = step;
  return found!;
}

test('shares are of what is left, and what one leaves over goes to the next', () => {
  let now = 5000;
  const time = new TimeBudget(10, () => now);
  const first = time.share(1 / 2);
  assert.equal(first(), 0);
  now += 2000;
  assert.equal(first(), 0.4);
  assert.equal(time.left(), 8000);
  const second = time.share(1);
  now += 8000;
  assert.equal(second(), 1);
  assert.equal(time.left(), 0);
  assert.equal(time.share(1)(), 1);
});

test('a trace ends after the probe at which its time is up, with the numbers of that many probes', async () => {
  const options = { seed: 3, rtol: 1e-6, maxProbes: 100 };
  const { operator, spentOf } = ticking();
  const found = await last(hutchinsonTrace(operator, { ...options, timeSpent: spentOf(13) }));
  assert.equal(found.samples, 13);
  const [estimate] = found.estimates;
  assert.ok(!estimate.converged && estimate.stderr > 0);
  const capped = await last(hutchinsonTrace(matrix, { ...options, maxProbes: 13 }));
  assert.deepEqual(found.estimates, capped.estimates);
});

test('whichever comes first: a tolerance that is reached ends the search before its time', async () => {
  const { operator, spentOf, seconds } = ticking();
  const found = await last(
    hutchinsonTrace(operator, { seed: 3, rtol: 0.2, maxProbes: 100, timeSpent: spentOf(90) }),
  );
  assert.ok(found.estimates[0].converged);
  assert.ok(seconds() < 90);
});

for (const method of ['xtrace', 'hutch++'] as const)
  test(`${method} ends in its time with an estimate and an error that covers the truth`, async () => {
    const { operator, spentOf, seconds } = ticking();
    const options = { seed: 1, rtol: 1e-9, maxProducts: 150, timeSpent: spentOf(40) };
    const found: TraceProgress = await last(estimateTrace(method, operator, options));
    const [{ estimate, stderr, converged }] = found.estimates;
    const trace = eigenvalues.reduce((sum, x) => sum + x, 0);
    assert.ok(seconds() >= 36 && seconds() <= 42, `${seconds()} products`);
    assert.ok(!converged && stderr > 0);
    assert.ok(Math.abs(estimate - trace) < 4 * stderr, `${estimate} ± ${stderr}, ${trace}`);
  });

test('even without any time there are the two samples of an error bar', async () => {
  for (const method of ['xtrace', 'hutch++', 'hutchinson'] as const) {
    const { operator, spentOf, seconds } = ticking();
    const options = { seed: 1, rtol: 1e-9, maxProducts: 150, timeSpent: spentOf(1e-9) };
    const { estimates } = await last(estimateTrace(method, operator, options));
    assert.ok(estimates[0].stderr > 0);
    assert.ok(seconds() <= 8, `${method}: ${seconds()}`);
  }
});

test('Lanczos ends with the values it has, spectra between start vectors', async () => {
  const first = ticking();
  const found = await last(
    lanczos(first.operator, { count: 5, seed: 0, tolerance: 1e-12, timeSpent: first.spentOf(43) }),
  );
  assert.equal(found.steps, 43);
  assert.equal(found.eigenvalues.length, 5);
  assert.ok(!found.converged);

  const second = ticking();
  const settings = { steps: 10, seed: 0 };
  const spectra = await last(
    stochasticLanczos(second.operator, { ...settings, probes: 9, timeSpent: second.spentOf(45) }),
  );
  assert.equal(spectra.quadratures.length, 4);
  const whole = await last(stochasticLanczos(matrix, { ...settings, probes: 4 }));
  assert.deepEqual(spectra.quadratures, whole.quadratures);
});

test('an analysis tells which searches ended by the clock, and what they reached', async () => {
  // Any look at the clock takes it a second on.
  let now = 0;
  const hooks = { now: () => (now += 1000) };
  const options = { ...defaultOptions, ...files, matrix: 'hessian' as const, rtol: 1e-4, seconds: 12 };
  const report = await analyze(options, hooks);
  assert.ok(report.complete);
  assert.equal(report.settings.seconds, 12);
  const traces = report.layers.map(l => l.trace.hessian!);
  for (const { converged, stderr, samples } of traces) {
    assert.ok(!converged && stderr > 0);
    assert.ok(samples >= 2 && samples < 100);
  }
  const said = report.diagnostics.filter(d => d.code === 'time-up').map(d => d.message);
  assert.match(said[0], /^Hessian traces ended after \d+ probes, when the part of the 12 s for it was up/);
  assert.ok(said.some(s => /eigenvalues ended/.test(s)));
  const same = await analyze({ ...options, seconds: undefined, maxProbes: traces[0].samples });
  assert.deepEqual(
    same.layers.map(l => l.trace.hessian!.estimate),
    traces.map(t => t.estimate),
  );
});

test('so does a spectrum, whose steps are cut to the time and reported', async () => {
  let now = 0;
  const hooks = { now: () => (now += 1000) };
  const options = {
    ...defaultSpectrumOptions,
    ...files,
    layers: ['fc2.weight'],
    estimator: 'hutchinson' as const,
  };
  const report = await spectrum({ ...options, rtol: 1e-4, seconds: 60 }, hooks);
  const { trace, density, settings, diagnostics } = report;
  assert.ok(trace && density && trace.products < 100 && !trace.converged);
  const said = diagnostics.filter(d => d.code === 'time-up').map(d => d.message);
  assert.match(said[0], /^The trace ended after \d+ products/);
  assert.ok(settings.steps <= 80 && density.quadratures.length >= 2);
  const same = await spectrum({ ...options, steps: settings.steps, probes: density.quadratures.length });
  assert.deepEqual(same.density!.quadratures, density.quadratures);
});

/** Hooks whose clock goes on a second with any look at it. */
function aging() {
  let now = 0;
  return { now: () => (now += 1000) };
}

test('norms of blocks end after a vector on each layer, with the numbers of so many', async () => {
  const options = { ...defaultCouplingOptions, ...files, samples: 32 };
  const found = await coupling({ ...options, seconds: 4 }, aging());
  assert.equal(found.complete, true);
  assert.ok(found.probes !== undefined && found.probes >= 2 && found.probes < 16, String(found.probes));
  assert.match(
    found.diagnostics.map(d => d.message).join(' '),
    new RegExp(`time was up after ${found.probes} of 16 random vectors on each layer`),
  );
  const same = await coupling({ ...options, probes: found.probes });
  assert.deepEqual(found.norms, same.norms);
  assert.equal(same.probes, undefined);
});

test('so does a diagonal', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'curvature-time-'));
  const options = {
    ...defaultExportDiagonalOptions,
    ...files,
    samples: 32,
    output: path.join(folder, 'd.npz'),
  };
  const found = await exportDiagonal({ ...options, seconds: 9 }, aging());
  assert.ok(found.complete && found.probes >= 2 && found.probes < 200);
  assert.match(found.diagnostics.map(d => d.message).join(' '), /The 9 s were up after \d+ of at most 200/);
  const { parts } = await exportDiagonal({ ...options, maxProbes: found.probes });
  assert.deepEqual(found.parts, parts);
  rmSync(folder, { recursive: true });
});

test('what draws nothing at random ends with what it has, which is not all', async () => {
  const trusts = { ...defaultTrustOptions, ...files, samples: 32, bits: [4, 8] };
  const [some, all] = [await trust({ ...trusts, seconds: 4 }, aging()), await trust(trusts)];
  assert.deepEqual([some.complete, all.complete], [false, true]);
  const steps = some.layers.flatMap(layer => layer.steps);
  assert.ok(steps.length > 0 && steps.length < 6);
  assert.deepEqual(steps, all.layers.flatMap(layer => layer.steps).slice(0, steps.length));
  assert.ok(some.diagnostics.some(d => d.code === 'layers-left'));

  const saliencies = {
    ...defaultSaliencyOptions,
    ...files,
    samples: 32,
    gradients: 8,
    bits: [4],
    sparsity: [0.5],
  };
  const first = await saliency({ ...saliencies, seconds: 3 }, aging());
  assert.equal(first.complete, false);
  assert.ok(first.layers.length > 0 && first.layers.length < 3);
});
