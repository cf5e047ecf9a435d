import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { allocateFile, analyze, type AnalyzeOptions, stringifyReport } from '../../src/engine';
import { bopsAllocation } from '../../src/engine/analysis/bopsAllocation';
import { defaultOptions } from '../../src/engine/analysis/options';
import { float32Tensor } from '../../src/engine/onnx/tensor';
import { layersToCsv } from '../../src/engine/report/csv';
import type { ActivationReport, Report } from '../../src/engine/report/schema';
import { reportToText } from '../../src/engine/report/text';
import { Rng } from '../../src/engine/util/rng';
import { assertClose } from '../support/assertions';
import { goldenFolder } from '../support/golden';
import { input, makeGraph, recurrentGraph, Workspace } from '../support/models';

const models = path.resolve('test/fixtures/models');
const workspace = new Workspace();
after(() => workspace.remove());

const measure = (model: string, data: string | undefined, options: Partial<AnalyzeOptions> = {}) =>
  analyze({
    ...{ ...defaultOptions, model, data, eigenvalues: 0, bits: [2, 4, 8], executionProvider: 'cpu' },
    activations: 'min-max',
    ...options,
  });

/** As test/golden/activations.py writes it. */
interface Golden {
  readonly elements: number;
  readonly min: number;
  readonly max: number;
  readonly percentiles: readonly [number, number];
  readonly traceGgn: number;
  readonly traceHessian: number;
  readonly error: Readonly<Record<string, number>>;
}

for (const [name, data] of [
  ['mlp_digits_legacy', 'digits_eval.npz'],
  ['resnet_mnist_legacy', 'mnist_eval.npz'],
  ['vit_digits_legacy', 'digits_eval.npz'],
]) {
  describe(`activations of ${name}, against PyTorch in float64`, () => {
    const [model, samples] = [path.join(models, `${name}.onnx`), path.join(models, data)];
    const report = measure(model, samples, { batch: 48 });
    const golden = JSON.parse(
      readFileSync(path.join(goldenFolder, 'activations', `${name}.json`), 'utf8'),
    ) as Record<string, Golden>;
    const each = async (check: (found: ActivationReport, expected: Golden) => void): Promise<void> => {
      const { activations = [] } = await report;
      assert.deepEqual(activations.map(a => a.name).sort(), Object.keys(golden).sort());
      for (const a of activations) check(a, golden[a.name]);
    };

    test('traces, exactly', () =>
      each((found, expected) => {
        assert.equal(found.elements, expected.elements);
        assert.ok(found.trace?.exact);
        // float32 in other orders, as for the weights of these models.
        assertClose(found.trace.estimate, expected.traceGgn, 1e-4, found.name);
        assertClose(found.averageTrace!, expected.traceGgn / expected.elements, 1e-4, found.name);
      }));

    test('traces of the Hessian, by probes within their errors, and Ω made of them', async () => {
      const { activations = [] } = await measure(model, samples, {
        batch: 48,
        matrix: 'hessian',
        maxProbes: 60,
      });
      for (const { name, elements, trace, hessianTrace, averageTrace, ...found } of activations) {
        const { traceHessian } = golden[name];
        const { estimate, stderr } = hessianTrace!;
        assert.equal(trace, undefined);
        assert.ok(
          Math.abs(estimate - traceHessian) < 4 * stderr,
          `${name}: ${estimate} ± ${stderr}, ${traceHessian}`,
        );
        assert.equal(averageTrace, estimate / elements);
        const error = found.quantizationError['4'];
        assertClose(found.sensitivity['4'], (Math.max(estimate, 0) / elements) * error, 1e-12, name);
        assertClose(found.sensitivityStderr['4'], (stderr / elements) * error, 1e-12, name);
      }
      // The error of the input's trace, the largest, tells that the probes say something.
      const [{ hessianTrace: input }] = activations;
      assert.ok(input!.stderr < 0.1 * input!.estimate, `${input!.estimate} ± ${input!.stderr}`);
    });

    test('ranges: the ends, and percentiles to a bin', () =>
      each(({ name, ranges }, expected) => {
        const largest = Math.max(expected.max, -expected.min);
        // At least half of 4096 bins are in use.
        const bin = largest / 2048;
        const near = (a: number, b: number, error: number): void =>
          assert.ok(Math.abs(a - b) <= error, `${name}: ${a}, expected ${b} ± ${error}`);
        near(ranges['min-max'].min, expected.min, 1e-5 * largest);
        near(ranges['min-max'].max, expected.max, 1e-5 * largest);
        near(ranges.percentile.min, expected.percentiles[0], bin);
        near(ranges.percentile.max, expected.percentiles[1], bin);
        assert.ok(ranges.entropy.min >= ranges['min-max'].min && ranges.entropy.max <= ranges['min-max'].max);
      }));

    test('errors per sample, and Ω made of them', () =>
      each((found, expected) => {
        for (const [bits, error] of Object.entries(expected.error)) {
          // Values on the border of two levels may fall on either side: their error is the same, but for rounding.
          assertClose(found.quantizationError[bits], error, 1e-3, `${found.name} at ${bits} bits`);
          const omega = (expected.traceGgn / expected.elements) * error;
          assertClose(found.sensitivity[bits], omega, 2e-3, `${found.name} at ${bits} bits`);
        }
      }));
  });
}

describe('y = xW with mse: the Hessian by x is 2WWᵀ/k for every sample', () => {
  const [samples, features, outputs] = [21, 6, 20];
  const rng = Rng.of(4);
  const weight = rng.normals(features * outputs);
  const model = workspace.model(
    'linear.onnx',
    makeGraph([input('x', 'N', features)], { weight: float32Tensor([features, outputs], weight) }, [
      ['MatMul', ['x', 'weight'], 'y'],
    ]),
  );
  const data = workspace.npz('linear.npz', {
    x: { shape: [samples, features], data: rng.normals(samples * features) },
    targets: { shape: [samples, outputs], data: rng.normals(samples * outputs) },
  });
  const trace = (2 / outputs) * weight.reduce((sum, w) => sum + w * w, 0);

  test('the trace, by signs, within its error', async () => {
    const { activations } = await measure(model, data, { batch: 8, rtol: 0.01, maxProbes: 2000 });
    const [found] = activations!;
    assert.equal(found.name, 'x');
    assert.equal(found.trace!.exact, false);
    assert.ok(
      Math.abs(found.trace!.estimate - trace) < 4 * found.trace!.stderr,
      `${found.trace!.estimate}, ${trace}`,
    );
    assert.ok(found.trace!.stderr < 0.011 * trace);
  });

  test('with both matrices, the Hessian’s beside the GGN’s, which it equals here', async () => {
    const { activations } = await measure(model, data, {
      batch: 8,
      matrix: 'both',
      rtol: 0.01,
      maxProbes: 2000,
    });
    const { trace: ggn, hessianTrace, averageTrace } = activations![0];
    assert.ok(
      Math.abs(hessianTrace!.estimate - trace) < 4 * hessianTrace!.stderr,
      `${hessianTrace!.estimate}, ${trace}`,
    );
    assert.ok(hessianTrace!.stderr < 0.011 * trace);
    assert.equal(averageTrace, ggn!.estimate / features);
  });

  test('bit operations: multiplications × bits², or × 8 where activations are not measured', async () => {
    for (const activations of [undefined, 'min-max'] as const) {
      const { layers } = await measure(model, data, { activations });
      for (const b of [2, 4, 8])
        assert.equal(layers[0].costs!.bops[b], features * outputs * b * (activations ? b : 8));
    }
  });
});

/** Two samples' worth of attention: a product of two values between layers. */
const attention = (rng: Rng): string => {
  const weights = (...shape: number[]) =>
    float32Tensor(
      shape,
      rng.normals(shape.reduce((a, b) => a * b)).map(x => x / 2),
    );
  return workspace.model(
    'attention.onnx',
    makeGraph([input('x', 'N', 5, 4)], { query: weights(4, 4), key: weights(4, 4), head: weights(5, 3) }, [
      ['MatMul', ['x', 'query'], 'q'],
      ['MatMul', ['x', 'key'], 'k'],
      ['Transpose', ['k'], 'kT', { perm: { ints: [0, 2, 1] } }],
      ['MatMul', ['q', 'kT'], 'scores'],
      ['Softmax', ['scores'], 'p', { axis: { int: -1 } }],
      ['MatMul', ['p', 'head'], 'tokens'],
      ['ReduceMean', ['tokens'], 'y', { axes: { ints: [1] }, keepdims: { int: 0 } }],
    ]),
  );
};

describe('a report with activations', () => {
  const rng = Rng.of(9);
  const model = attention(rng);
  const data = workspace.npz('attention.npz', {
    x: { shape: [30, 5, 4], data: rng.normals(600) },
    labels: { shape: [30], data: BigInt64Array.from({ length: 30 }, () => BigInt(rng.below(3))) },
  });
  const report: Promise<Report> = measure(model, data, { bits: [4, 8] });

  test('knows what each value is quantized for', async () => {
    const { activations } = await report;
    assert.deepEqual(
      activations!.map(({ name, layers, nodes }) => ({ name, layers, nodes })),
      [
        { name: 'x', layers: ['query', 'key'], nodes: ['q', 'k'] },
        { name: 'q', layers: [], nodes: ['scores'] },
        { name: 'kT', layers: [], nodes: ['scores'] },
        { name: 'p', layers: ['head'], nodes: ['tokens'] },
      ],
    );
    assert.deepEqual(
      activations!.map(a => a.costs!.bops['4']),
      [0, 5 * 5 * 4 * 16, 0, 0],
    );
  });

  test('shows them as text and as CSV', async () => {
    const text = reportToText(await report);
    assert.match(text, /^activation +shape +from +to +GGN trace/m);
    assert.match(text, /^kT +30×4×5 /m);
    const lines = layersToCsv(await report)
      .trim()
      .split('\r\n');
    assert.ok(lines.some(l => l.startsWith('activation:kT,Activation,30x4x5,,analysed,')));
    assert.equal(new Set(lines.map(l => l.split(',').length)).size, 1);
  });

  const solve = async (budgets: string[], pins: Record<string, number> = {}) =>
    allocateFile(stringifyReport(await report), {
      ...{ budgets, pins, ties: [], method: 'pareto', seed: 0, draws: 0 },
    });

  test('gives them widths of their own under a limit on bytes, the largest as they take none', async () => {
    const { bits, costs } = await solve(['0.5']);
    assert.deepEqual(Object.keys(costs), ['bytes']);
    assert.deepEqual(
      Object.entries(bits).filter(([name]) => name.startsWith('activation:')),
      ['x', 'q', 'kT', 'p'].map(name => [`activation:${name}`, 8]),
    );
    assert.equal((await solve(['0.5'], { 'activation:q': 4 })).bits['activation:q'], 4);
  });

  test('leaves them out of measured times, which layers have with activations in floats', async () => {
    const whole = await report;
    const layers = whole.layers.map(layer => ({
      ...layer,
      costs: { ...layer.costs, latency: { 4: 1, 8: 2 } },
    }));
    const { bits, costs } = await allocateFile(stringifyReport({ ...whole, layers }), {
      ...{ budgets: [`latency=${layers.length + 1}`], pins: {}, ties: [] },
      ...{ method: 'pareto', seed: 0, draws: 0 },
    });
    assert.equal(costs.latency, layers.length + 1);
    assert.equal(bits['activation:q'], 8);
  });

  test('has the same choices for pages, which have no integer program', async () => {
    const whole = await report;
    const choice = bopsAllocation(whole)!;
    assert.equal(bopsAllocation({ ...whole, activations: [] }), undefined);
    for (const share of [0, 0.2, 0.5, 0.8, 1]) {
      const limit = choice.smallest + share * (choice.largest - choice.smallest);
      const { bits, costs, objective } = await solve([`bops=${limit}`]);
      const found = choice.within(limit);
      assert.deepEqual(Object.fromEntries(found.bits), bits);
      assert.equal(found.bops, costs.bops);
      assertClose(found.sensitivity, objective, 1e-12, `limit ${limit}`);
    }
    assert.deepEqual(Object.fromEntries(choice.within(choice.middle).bits), (await solve(['bops=50%'])).bits);
  });

  test('pairs them with weights under a limit on bit operations: the best of all pairs', async () => {
    const { layers, activations = [] } = await report;
    const macs = { query: 80, key: 80, scores: 100, head: 75 };
    const omega = (name: string, bits: number): number =>
      [...layers, ...activations].find(item => item.name === name)!.sensitivity[bits];
    // query, key and x are one choice, q and kT another, head and p the third.
    const choices = [4, 8].flatMap(a => [4, 8].flatMap(b => [4, 8].map(c => [a, b, c])));
    const all = choices.map(([a, b, c]) => ({
      bops: (macs.query + macs.key) * a * a + macs.scores * b * b + macs.head * c * c,
      objective:
        ['query', 'key', 'x'].reduce((sum, name) => sum + omega(name, a), 0) +
        omega('q', b) +
        omega('kT', b) +
        omega('head', c) +
        omega('p', c),
    }));
    for (const limit of [6000, 9000, 12_000, 15_000, 25_000]) {
      const { objective, costs, feasible } = await solve([`bops=${limit}`]);
      const best = Math.min(...all.filter(choice => choice.bops <= limit).map(choice => choice.objective));
      assert.ok(feasible && costs.bops <= limit);
      assertClose(objective, best, 1e-12, `limit ${limit}`);
      assert.ok(all.some(choice => choice.bops === costs.bops));
    }
  });
});

test('a value behind which there is no derivative has a range and the reason', async () => {
  const rng = Rng.of(2);
  const model = workspace.model(
    'recurrent.onnx',
    recurrentGraph((...shape) => float32Tensor(shape, rng.normals(shape.reduce((a, b) => a * b)))),
  );
  const { activations, diagnostics } = await measure(model, undefined, { samples: 16, maxProbes: 4 });
  const byName = new Map(activations!.map(a => [a.name, a]));
  assert.match(byName.get('x')!.reason!, /"all" \(RNN\).*no derivative rule/);
  assert.equal(byName.get('x')!.trace, undefined);
  assert.ok(byName.get('x')!.ranges['min-max'].max > 0);
  assert.ok(byName.get('h')!.trace!.estimate > 0);
  assert.ok(!diagnostics.some(d => d.code === 'stage-failed'));
});
