import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { spectrum, type SpectrumReport } from '../../src/engine';
import type { Progress } from '../../src/engine/analysis/hooks';
import { defaultSpectrumOptions, type SpectrumOptions } from '../../src/engine/analysis/matrixOptions';
import { traceMethods } from '../../src/engine/estimators/trace';
import { spectrumToText } from '../../src/engine/report/spectrumText';
import { assertClose, curvatureError } from '../support/assertions';
import { goldenFolder } from '../support/golden';
import { wassersteinDistance } from '../support/spectra';

const models = path.resolve('test/fixtures/models');
const base: SpectrumOptions = {
  ...defaultSpectrumOptions,
  model: path.join(models, 'mlp_digits_legacy.onnx'),
  data: path.join(models, 'digits_eval.npz'),
  executionProvider: 'cpu',
};
/** All eigenvalues in float64, as test/golden/spectra.py writes them. */
const exact = JSON.parse(
  readFileSync(path.join(goldenFolder, 'spectra', 'mlp_digits_legacy.json'), 'utf8'),
) as Record<'hessian' | 'ggn' | 'fisher' | 'fc2.weight', readonly number[]>;
const sum = (values: readonly number[], f = (x: number): number => x): number =>
  values.reduce((total, x) => total + f(x), 0);

const cases: [name: string, options: Partial<SpectrumOptions>, eigenvalues: readonly number[]][] = [
  ['the Hessian', {}, exact.hessian],
  ['the GGN', { matrix: 'ggn' }, exact.ggn],
  ['the empirical Fisher matrix', { matrix: 'fisher' }, exact.fisher],
  ['the Hessian of one layer', { layers: ['fc2.weight'] }, exact['fc2.weight']],
];

for (const [name, options, eigenvalues] of cases) {
  describe(`${name} of a trained model, against all eigenvalues in float64`, () => {
    // More start vectors than by default: the spread of five is itself too uncertain for 3 standard errors.
    const report = spectrum({ ...base, ...options, probes: 16, crossCheck: true });
    const near = (
      { estimate, stderr }: { estimate: number; stderr: number },
      expected: number,
      what: string,
    ): void =>
      assert.ok(
        // Products are of float32: where the start vectors leave no noise, their rounding is left.
        Math.abs(estimate - expected) <= 3 * stderr + 1e-6 * Math.abs(expected),
        `${what}: ${estimate} ± ${stderr}, expected ${expected}`,
      );

    test('both ends, converged, and by power iteration', async () => {
      const { size, classes, density, crossCheck } = await report;
      assert.equal(size, eigenvalues.length);
      assert.equal(classes, 10);
      assert.ok(density && crossCheck);
      const [largest, smallest] = [eigenvalues[0], eigenvalues[size - 1]];
      assertClose(density.largest.value, largest, 1e-5);
      assert.ok(density.largest.converged && crossCheck.converged);
      assertClose(crossCheck.value, largest, 1e-4);
      if (smallest < -1e-6) assertClose(density.smallest.value, smallest, 1e-3);
      else assert.ok(Math.abs(density.smallest.value) < 1e-5 * largest);
    });

    test('outliers are the eigenvalues of largest magnitude', async () => {
      const { density } = await report;
      assert.ok(density && density.outliers.length === 20);
      const falling = [...eigenvalues].sort((a, b) => Math.abs(b) - Math.abs(a));
      density.outliers.forEach(({ value }, i) => assertClose(value, falling[i], 1e-3, `outlier ${i}`));
    });

    test('trace and moments within 3 standard errors', async () => {
      const { density, trace } = await report;
      assert.ok(density && trace);
      near(trace, sum(eigenvalues), 'trace');
      near(density.sum, sum(eigenvalues), 'sum');
      near(density.frobeniusNorm, Math.sqrt(sum(eigenvalues, x => x * x)), 'norm');
      const isFisher = options.matrix === 'fisher';
      assert.ok(trace.converged && trace.method === (isFisher ? 'gradients' : 'xtrace'));
      assert.equal(trace.exact, isFisher);
      assert.ok(trace.products <= (isFisher ? 256 : 100));
      assert.ok(density.frobeniusNorm.stderr < 0.01 * density.frobeniusNorm.estimate);
    });

    test('the distance to the exact spectrum is below the bound', async () => {
      const { density } = await report;
      assert.ok(density);
      const distance = wassersteinDistance(density.quadratures, eigenvalues);
      assert.ok(distance <= density.wasserstein.bound, `${distance} > ${density.wasserstein.bound}`);
      // And the bound says something: it is far less than the spectrum's width.
      assert.ok(density.wasserstein.bound < 0.05 * (eigenvalues[0] - eigenvalues[eigenvalues.length - 1]));
    });

    test('negative mass and effective rank', async () => {
      const { density } = await report;
      assert.ok(density);
      const magnitudes = sum(eigenvalues, Math.abs);
      const negative = sum(eigenvalues, x => Math.max(0, -x)) / magnitudes;
      assert.ok(Math.abs(density.negativeMass.estimate - negative) < 0.03);
      assertClose(density.effectiveRank.estimate, magnitudes ** 2 / sum(eigenvalues, x => x * x), 0.1);
    });
  });
}

const few = { ...base, samples: 32, layers: ['fc3.*'], steps: 8, probes: 2 };

for (const estimator of traceMethods) {
  test(`the trace by ${estimator}`, async () => {
    const { trace, size } = await spectrum({ ...few, estimator });
    assert.ok(trace);
    assert.equal(trace.method, estimator);
    const whole = await spectrum({ ...few, estimator: 'exact' });
    assert.ok(whole.trace?.exact && whole.trace.products === size);
    assert.ok(Math.abs(trace.estimate - whole.trace.estimate) <= 3 * trace.stderr + 1e-6);
  });
}

test('the same seed gives the same report but for times; progress never falls', async () => {
  const fractions: number[] = [];
  const onProgress = ({ fraction }: Progress): void => void fractions.push(fraction);
  const [a, b] = [await spectrum(few, { onProgress }), await spectrum(few)];
  assert.deepEqual({ ...a, timings: {} }, { ...b, timings: {} });
  assert.deepEqual(JSON.parse(JSON.stringify(a)), a);
  assert.deepEqual(
    [...fractions].sort((x, y) => x - y),
    fractions,
  );
  assert.equal(fractions[fractions.length - 1], 1);
});

test('a cancelled run hands on what it has', async () => {
  const controller = new AbortController();
  let partial: SpectrumReport | undefined;
  const onProgress = ({ message }: Progress): void => {
    if (message.includes('start vector 2 of 3 through')) controller.abort();
  };
  await assert.rejects(
    spectrum(
      { ...few, probes: 3 },
      { signal: controller.signal, onProgress, onPartial: report => (partial = report) },
    ),
    curvatureError('cancelled', /./),
  );
  assert.ok(partial && !partial.complete && partial.trace && partial.density?.quadratures.length === 2);
  assert.match(spectrumToText(partial), /From 2 start vectors/);
});

test('a model that does not fit into memory is refused', async () => {
  await assert.rejects(
    spectrum({ ...base, memory: '20MB' }),
    curvatureError('memory-exceeded', /may be used/),
  );
});

test('a layer that the model does not have is refused with those it has', async () => {
  await assert.rejects(
    spectrum({ ...base, layers: ['fc9*'] }),
    curvatureError('option-invalid', /No parameter matches "fc9\*"/),
  );
});

test('the empirical Fisher matrix without labels is refused', async () => {
  await assert.rejects(
    spectrum({ ...base, matrix: 'fisher', loss: 'kl' }),
    curvatureError('option-invalid', /zero without labels/),
  );
});

test('layers are known by the names that people see', async () => {
  const report = await spectrum({
    ...few,
    model: path.join(models, 'vit_digits_legacy.onnx'),
    layers: ['layers.1.fc2.weight'],
  });
  assert.deepEqual(
    [report.settings.parameters, report.size, report.settings.isWhole],
    [['layers.1.fc2.weight'], 512, false],
  );
});

test('the text has the numbers and a histogram of all eigenvalues', async () => {
  const report = await spectrum(few);
  const text = spectrumToText(report);
  assert.match(
    text,
    /^Hessian of the cross-entropy loss of mlp_digits_legacy\.onnx on 32 samples of digits_eval\.npz, over fc3/,
  );
  for (const row of [
    /^λmax +\d/m,
    /^λmin +/m,
    /^trace +.* products/m,
    /^‖·‖F .* 95 %: \S+ to \S+ \(t, 2 vectors\)$/m,
    /^negative +0 +% of Σ\|λ\|$/m,
    /^effective rank .* of 330; 95 %: 0 to \S+ \(t, 2 vectors\)$/m,
  ])
    assert.match(text, row);
  const counts = [...text.matchAll(/^ *\S+ +\S+ +([\d.]+) +█+$/gm)].map(m => Number(m[1]));
  assertClose(sum(counts), report.size, 0.02);
});
