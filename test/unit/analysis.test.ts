import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import {
  analyze,
  type AnalyzeOptions,
  parseReport,
  type Progress,
  type Report,
  stringifyReport,
} from '../../src/engine';
import { defaultOptions } from '../../src/engine/analysis/options';
import { CurvatureError } from '../../src/engine/errors';
import { float32Tensor } from '../../src/engine/onnx/tensor';
import { Rng } from '../../src/engine/util/rng';
import { curvatureError } from '../support/assertions';
import { input, makeGraph, Workspace } from '../support/models';

const sample: AnalyzeOptions = {
  ...defaultOptions,
  model: 'media/sample/digits_cnn.onnx',
  data: 'media/sample/digits_cnn.npz',
  samples: 64,
};
const workspace = new Workspace();
after(() => workspace.remove());

const random = Rng.of(1, 'analysis');
const weights = (...shape: number[]) =>
  float32Tensor(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal() / 3),
  );
const vectors = workspace.npz('vectors.npz', {
  x: { shape: [20, 6], data: Float32Array.from({ length: 120 }, () => random.normal()) },
});

/** Two layers around one operator. */
const around = (opType: string, domain = ''): string =>
  workspace.model(
    `${opType}.onnx`,
    makeGraph([input('x', 'N', 6)], { first: weights(6, 6), second: weights(6, 4) }, [
      ['MatMul', ['x', 'first'], 'a'],
      [opType, ['a'], 'b', {}, domain],
      ['MatMul', ['b', 'second'], 'y'],
    ]),
  );

const withoutTimes = (report: Report): string => stringifyReport({ ...report, createdAt: '', timings: {} });

describe('an analysis', () => {
  test('gives the same report twice with one seed, another with another', async () => {
    const options: AnalyzeOptions = { ...sample, matrix: 'both', maxProbes: 8, loss: 'kl', rtol: 1e-3 };
    const [first, second, other] = [
      await analyze(options),
      await analyze(options),
      await analyze({ ...options, seed: 1 }),
    ];
    assert.equal(withoutTimes(first), withoutTimes(second));
    assert.notEqual(first.layers[0].trace.hessian!.estimate, other.layers[0].trace.hessian!.estimate);
  });

  test('is a report that can be read back', async () => {
    const report = await analyze({ ...sample, eigenvalues: 0 });
    assert.deepEqual(parseReport(stringifyReport(report)), JSON.parse(JSON.stringify(report)));
    assert.ok(report.complete);
  });

  test('tells progress that never falls and ends at 1', async () => {
    const seen: Progress[] = [];
    await analyze({ ...sample, matrix: 'both', maxProbes: 8 }, { onProgress: p => seen.push(p) });
    seen.forEach((p, i) => assert.ok(i === 0 || p.fraction >= seen[i - 1].fraction));
    assert.equal(seen.at(-1)!.fraction, 1);
    assert.deepEqual(
      [...new Set(seen.map(p => p.stage))],
      ['load', 'loss', 'ggn', 'hessian', 'eigenvalues', 'metrics', 'allocation'],
    );
  });

  test('keeps what it has when cancelled', async () => {
    const abort = new AbortController();
    const partials: Report[] = [];
    const running = analyze(
      { ...sample, matrix: 'both', maxProbes: 1000, rtol: 1e-9 },
      {
        signal: abort.signal,
        onPartial: r => partials.push(r),
        onProgress: p => {
          if (p.stage === 'hessian' && p.message.includes('16')) abort.abort();
        },
      },
    );
    await assert.rejects(running, curvatureError('cancelled', /cancelled/));
    const last = partials.at(-1)!;
    assert.equal(last.stopped?.reason, 'cancelled');
    assert.ok(!last.complete && last.layers.every(l => l.trace.ggn && l.trace.hessian!.samples >= 16));
    assert.ok(last.budget, 'bits are suggested from what is known');
  });

  test('fits the suggestion into the budget and costs the least of the frontier', async () => {
    const report = await analyze({ ...sample, eigenvalues: 0, budget: '5.5bits', jointRuns: 0 });
    const { chosen, bytes, feasible } = report.budget!;
    assert.ok(feasible && chosen.bytes <= bytes && chosen.effectiveBits <= 5.5);
    const within = report.frontier.filter(p => p.bytes <= bytes);
    assert.equal(Math.min(...within.map(p => p.sensitivity)), chosen.sensitivity);
    const sum = report.layers.reduce((total, l) => total + l.sensitivity[String(l.bits)], 0);
    assert.ok(Math.abs(sum / chosen.sensitivity - 1) < 1e-12);
  });
});

describe('where operators are in the way', () => {
  test('one that is flat by definition: the layers before it have no part in the loss', async () => {
    const report = await analyze({ ...defaultOptions, model: around('Round'), data: vectors });
    assert.equal(report.layers[0].trace.ggn!.estimate, 0);
    assert.ok(report.layers[1].trace.ggn!.estimate > 0);
  });

  for (const domain of ['', 'my.domain']) {
    test(`one that nobody knows, in domain "${domain}": the layers before it are measured`, async () => {
      const report = await analyze({ ...defaultOptions, model: around('Mystery', domain), data: vectors });
      assert.equal(report.layers[0].status, 'analysed');
      assert.ok(report.layers[0].trace.ggn!.estimate > 0);
      assert.equal(report.layers[1].status, 'not-reached');
      assert.match(report.layers[1].reason!, /Mystery/);
      assert.ok(
        report.diagnostics.some(
          d => d.code === 'unknown-operator' && d.severity === 'error' && d.message.includes('Mystery'),
        ),
      );
    });
  }

  test('an unknown one at the input leaves nothing', async () => {
    const model = workspace.model(
      'nothing.onnx',
      makeGraph([input('x', 'N', 6)], { w: weights(6, 4) }, [
        ['Mystery', ['x'], 'a'],
        ['MatMul', ['a', 'w'], 'y'],
      ]),
    );
    await assert.rejects(
      analyze({ ...defaultOptions, model, data: vectors }),
      curvatureError('model-unsupported', /Mystery.*no layer runs without it/),
    );
  });
});

test('a loss that is not finite stops the run and keeps the report', async () => {
  const model = workspace.model(
    'overflow.onnx',
    makeGraph([input('x', 'N', 6)], { w: float32Tensor([6, 4], new Float32Array(24).fill(3e38)) }, [
      ['MatMul', ['x', 'w'], 'y'],
    ]),
  );
  const partials: Report[] = [];
  await assert.rejects(
    analyze({ ...defaultOptions, model, data: vectors, loss: 'mse' }, { onPartial: r => partials.push(r) }),
    (e: unknown) => e instanceof CurvatureError && e.code === 'not-finite',
  );
  assert.equal(partials.at(-1)?.stopped?.reason, 'failed');
});
