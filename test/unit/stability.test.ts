import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { stability, type StabilityReport } from '../../src/engine';
import { drawSamples } from '../../src/engine/analysis/drawBatch';
import { defaultStabilityOptions, type StabilityOptions } from '../../src/engine/analysis/matrixOptions';
import { stabilityToText } from '../../src/engine/report/stabilityText';
import type { Training } from '../../src/engine/training/optimizers';
import { parseProject, projectJsonSchema } from '../../src/engine/training/projectFile';
import { Rng } from '../../src/engine/util/rng';
import { assertClose, curvatureError } from '../support/assertions';
import { Workspace } from '../support/models';
import {
  gradientOf,
  hessianOf,
  largestOf,
  range,
  samples,
  SAMPLES,
  SIZE,
  softmaxData,
  softmaxModel,
} from '../support/softmaxRegression';

const workspace = new Workspace();
after(() => workspace.remove());

const model = softmaxModel(workspace);
const data = softmaxData(workspace);
const whole = hessianOf(range(0, SAMPLES));

const training: Training = { learningRate: 0.5, batchSize: 6, momentum: 0.9, optimizer: 'sgd' };
const run = (
  own: Partial<Training> = {},
  options: Partial<StabilityOptions> = {},
): Promise<StabilityReport> =>
  stability({
    ...{ ...defaultStabilityOptions, model, data, executionProvider: 'cpu', batch: 5 },
    ...{ training: { ...training, ...own }, ...options },
  });

describe('softmax regression, against dense matrices in float64', () => {
  const report = run();

  test('λmax, λmin and the trace', async () => {
    const { largest, trace, criticalBatchSize, size } = await report;
    assert.equal(size, SIZE);
    assertClose(largest.value, largestOf(whole), 1e-5);
    assertClose(trace.estimate, whole.trace(), 1e-5);
    assertClose(criticalBatchSize, whole.trace() / largestOf(whole), 1e-5);
  });

  test('λmax of the batches, by size', async () => {
    const { batchSizes, settings } = await report;
    assert.deepEqual(
      batchSizes.map(b => b.batchSize),
      [1, 2, 4, 6, 8, 16],
    );
    for (const { batchSize, batches, largest } of batchSizes) {
      const values = Array.from({ length: batches }, (_, k) =>
        largestOf(hessianOf(drawSamples(SAMPLES, batchSize, Rng.of(settings.seed, 'batch', batchSize, k)))),
      );
      // Lanczos ends at residuals of 1e-3, whose square is the eigenvalue's error.
      assertClose(largest.mean, values.reduce((a, b) => a + b, 0) / batches, 1e-4, `batch ${batchSize}`);
      assertClose(largest.most, Math.max(...values), 1e-4);
    }
    const [first, , , , , last] = batchSizes;
    assert.ok(first.largest.mean > last.largest.mean && first.formula > last.formula);
  });

  test('the noise of the batches along the top eigenvector', async () => {
    const { noise } = await report;
    const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(whole, {
      assumeSymmetric: true,
    });
    const top = eigenvectorMatrix.getColumnVector(realEigenvalues.indexOf(Math.max(...realEigenvalues)));
    // Without repetition the variance of a mean of B is (1/B − 1/N) N/(N − 1) times that of one sample.
    const single = samples.reduce((sum, { hessian }) => {
      const moved = Matrix.sub(hessian, whole).mmul(top);
      return sum + (moved.norm() ** 2 - moved.dot(top) ** 2) / (SAMPLES - 1);
    }, 0);
    assert.ok(noise && Math.abs(noise.variance - single) < 4 * noise.stderr, `${noise?.variance}, ${single}`);
    assert.ok(noise.stderr < 0.5 * single);
  });

  test('bounds and verdict', async () => {
    const { bounds, diagnostics } = await report;
    const lambda = largestOf(whole);
    assert.deepEqual(
      bounds.map(b => [b.optimizer, b.momentum]),
      [
        ['sgd', 0],
        ['sgd', 0.9],
        ['nesterov', 0.9],
        ['adam', 0.9],
      ],
    );
    assertClose(bounds[1].learningRate!, 3.8 / lambda, 1e-5);
    assert.equal(bounds[3].learningRate, null);
    assert.ok(['stable', 'edge-of-stability', 'unstable'].includes(diagnostics[0].code));
    const fast = await run({ learningRate: 100 }, { batches: 2 });
    assert.match(
      fast.diagnostics[0].message,
      /^SGD with momentum 0\.9 at lr 100 is linearly unstable here: λmax .* > 0\.038/,
    );
    assert.equal(fast.diagnostics[0].severity, 'error');
    const slow = await run({ learningRate: 1e-3 }, { batches: 2 });
    assert.equal(slow.diagnostics[0].code, 'stable');
    const middle = (slow.band.sufficient + slow.band.necessary) / 2;
    const between = await run({ learningRate: middle }, { batches: 2 });
    assert.equal(between.diagnostics[0].severity, 'warning');
  });

  test('the text has the verdict and a row for each batch size', async () => {
    const text = stabilityToText(await report);
    assert.match(text, /^(Stable|Warning|Unstable): SGD with momentum 0.9 at lr 0.5/m);
    assert.equal([...text.matchAll(/^ +\d+ +[\d.]+ ± .*$/gm)].length, 6);
  });
});

test('Adam: λmax of the Hessian between the roots of its steps', async () => {
  const report = await run({ optimizer: 'adam', batchSize: 4 }, { batches: 2 });
  const squares = new Float64Array(SIZE);
  for (let k = 0; k < 32; k++) {
    const places = drawSamples(SAMPLES, 4, Rng.of(0, 'adam', k));
    gradientOf(places).forEach((g, i) => (squares[i] += g ** 2 / 32));
  }
  const d = Matrix.diag(Array.from(squares, v => 1 / Math.sqrt(Math.sqrt(v) + 1e-8)));
  assertClose(report.largest.value, largestOf(d.mmul(whole).mmul(d)), 1e-4);
  assertClose(report.trace.estimate, d.mmul(whole).mmul(d).trace(), 1e-4);
  assert.ok(report.settings.isPreconditioned && report.bounds[1].learningRate === null);
  assertClose(report.bounds[3].learningRate!, 38 / report.largest.value, 1e-9);
});

test('samples whose labels are all ignored take no part, and random batches are drawn from the others', async () => {
  const isIgnored = (i: number): boolean => i % 4 !== 1;
  const labelled = range(0, SAMPLES).filter(i => !isIgnored(i));
  const options = { data: softmaxData(workspace, 'ignored.npz', 0, SAMPLES, isIgnored), batches: 6 };
  const { batchSizes, diagnostics, largest, settings } = await run({ batchSize: 3 }, options);
  assertClose(largest.value, largestOf(hessianOf(labelled)), 1e-5);
  assert.ok(diagnostics.some(d => /^36 of the 48 samples have no label/.test(d.message)));
  assert.deepEqual(
    batchSizes.map(b => b.batchSize),
    [1, 2, 3, 4],
  );
  for (const { batchSize, largest: found } of batchSizes) {
    const values = range(0, 6).map(k => {
      const places = drawSamples(labelled.length, batchSize, Rng.of(settings.seed, 'batch', batchSize, k));
      return largestOf(hessianOf(places.map(i => labelled[i])));
    });
    assertClose(found.most, Math.max(...values), 1e-4, `batch ${batchSize}`);
  }
  await run({ optimizer: 'adam', batchSize: 1 }, { ...options, batches: 2 });
});

test('where the noise of the batches is too large for the formula, its numbers are marked', async () => {
  const models = path.resolve('test/fixtures/models');
  const report = await stability({
    ...{ ...defaultStabilityOptions, matrix: 'ggn', executionProvider: 'cpu', training, batches: 2 },
    model: path.join(models, 'mlp_digits_legacy.onnx'),
    data: path.join(models, 'digits_eval.npz'),
  });
  const [single] = report.batchSizes;
  // The mean of λmax over batches can't be above the trace.
  assert.ok(single.batchSize === 1 && single.formula > report.trace.interval[1]);
  assert.equal(single.formulaHolds, false);
  const text = stabilityToText(report);
  assert.match(text, /^ +1 +\S+ ± \S+ +\(\S+\) +\S+ +\(\S+\) /m);
  assert.match(text, /outside of the formula’s range/);
  const { batchSizes } = await run({ batchSize: 47 }, { batches: 2 });
  assert.equal(batchSizes.at(-1)!.batchSize, 47);
  assert.equal(batchSizes.at(-1)!.formulaHolds, true);
});

test('a batch larger than the data takes all of them', async () => {
  const { batchSizes, diagnostics } = await run({ batchSize: 1000 }, { batches: 2 });
  assert.deepEqual(
    batchSizes.map(b => b.batchSize),
    [1, 2, 4, 8, 16],
  );
  assert.ok(diagnostics.some(d => d.code === 'few-samples'));
});

test('without labels plain SGD is measured, and Adam is refused', async () => {
  const { settings, largest } = await run({}, { loss: 'kl', batches: 2 });
  assert.equal(settings.loss, 'kl');
  // At its own outputs, the Hessian of kl is that of cross-entropy for a linear model.
  assertClose(largest.value, largestOf(whole), 1e-5);
  await assert.rejects(
    run({ optimizer: 'adam' }, { loss: 'kl' }),
    curvatureError('option-invalid', /zero without labels/),
  );
});

test('a report is plain JSON, also of a single sample', async () => {
  const report = await run({}, { samples: 1, batches: 2 });
  assert.deepEqual(report.batchSizes, []);
  assert.deepEqual(JSON.parse(JSON.stringify(report)), report);
  const whole = await run({}, { batches: 2 });
  assert.deepEqual(JSON.parse(JSON.stringify(whole)), whole);
});

test("a project's file is checked", () => {
  const project = parseProject(
    '{ "training": { "learningRate": 0.1, "optimizer": "adam" } }',
    'curvature.json',
  );
  assert.deepEqual(project.training, { learningRate: 0.1, optimizer: 'adam' });
  for (const [text, message] of [
    ['{', /'curvature\.json' is not JSON/],
    ['{ "training": { "learningRate": -1 } }', /training\.learningRate/],
    ['{ "training": { "learning_rate": 1 } }', /learning_rate/],
  ] as const)
    assert.throws(() => parseProject(text, 'curvature.json'), curvatureError('option-invalid', message));
});

test('the published JSON schema of projects is the one that they are checked against', () => {
  const published = readFileSync(path.resolve('media/project.schema.json'), 'utf8');
  assert.equal(
    published,
    projectJsonSchema(),
    'write the output of projectJsonSchema() to media/project.schema.json',
  );
});
