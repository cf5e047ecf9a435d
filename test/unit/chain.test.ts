import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { analyze, type AnalyzeOptions, type Report } from '../../src/engine';
import { defaultOptions } from '../../src/engine/analysis/options';
import { float32Tensor } from '../../src/engine/onnx/tensor';
import { mul } from '../../src/engine/ops/emit';
import type { Op } from '../../src/engine/ops/rule';
import { ops } from '../../src/engine/ops/table';
import { Rng } from '../../src/engine/util/rng';
import { input, makeGraph, Workspace } from '../support/models';

const workspace = new Workspace();
after(() => workspace.remove());
const random = Rng.of(4, 'chain');
const normals = (count: number) => Float32Array.from({ length: count }, () => random.normal() / 2);
const weights = (...shape: number[]) => float32Tensor(shape, normals(shape[0] * shape[1]));
const options: AnalyzeOptions = {
  ...defaultOptions,
  ...{ eigenvalues: 2, rtol: 0.02, maxProbes: 400, batch: 4 },
  data: workspace.npz('x.npz', { x: { shape: [16, 6], data: normals(96) } }),
  model: workspace.model(
    'chain.onnx',
    makeGraph([input('x', 'N', 6)], { first: weights(6, 5), second: weights(5, 4), third: weights(4, 3) }, [
      ['MatMul', ['x', 'first'], 'a'],
      ['Sigmoid', ['a'], 'b'],
      ['MatMul', ['b', 'second'], 'c'],
      ['Tanh', ['c'], 'd'],
      ['MatMul', ['d', 'third'], 'y'],
    ]),
  ),
};

/** Runs `body` while operators have other rules, or none. */
async function withRules<T>(rules: Record<string, Op | undefined>, body: () => Promise<T>): Promise<T> {
  const table = ops as Record<string, Op | undefined>;
  const original = Object.fromEntries(Object.keys(rules).map(name => [name, table[name]]));
  const put = (all: Record<string, Op | undefined>): void => {
    for (const [name, op] of Object.entries(all)) {
      if (op) table[name] = op;
      else delete table[name];
    }
  };
  put(rules);
  try {
    return await body();
  } finally {
    put(original);
  }
}

const methods = (report: Report) => report.layers.map(l => l.method);
const codes = (report: Report) => report.diagnostics.map(d => d.code);

/** All traces of the Gauss–Newton matrix within three standard errors of those with every rule in its place. */
async function assertTraces(report: Report): Promise<void> {
  const truth = await analyze({ ...options, matrix: 'ggn' });
  for (const [l, { name, trace }] of report.layers.entries()) {
    const expected = truth.layers[l].trace.ggn!;
    assert.ok(expected.exact);
    const { estimate, stderr } = trace.ggn!;
    assert.ok(
      Math.abs(estimate - expected.estimate) <= 3 * stderr + 1e-4 * expected.estimate,
      `${name}: ${estimate} ± ${stderr}, expected ${expected.estimate}`,
    );
  }
}

describe('a rule that is missing', () => {
  test('sends the layers before it to differences', async () => {
    const report = await withRules({ Tanh: undefined }, () => analyze(options));
    assert.deepEqual(methods(report), ['differences', 'differences', 'exact']);
    assert.ok(report.layers.every(l => l.bits !== null));
    await assertTraces(report);
  });

  test('or that throws, likewise, and says why', async () => {
    const broken = (): never => {
      throw new Error('no such form');
    };
    const Tanh: Op = { linearity: 'nonlinear', jvp: broken, vjp: broken };
    const report = await withRules({ Tanh }, () => analyze(options));
    assert.deepEqual(methods(report), ['differences', 'differences', 'exact']);
    assert.match(report.layers[0].reason!, /"d" \(Tanh\).*no derivative: no such form/);
    assert.match(report.diagnostics.find(d => d.code === 'no-derivative')!.message, /no such form/);
  });
});

describe('a rule with a first derivative only', () => {
  const derivative = (opType: string): Op => ({
    linearity: 'nonlinear',
    jvp: (b, at, [t]) => [mul(b, t!, b.add(opType, [at.input(0)]))],
    vjp: (b, at, [g]) => [mul(b, g!, b.add(opType, [at.input(0)]))],
  });
  test('gives the GGN, also where the Hessian is asked for', async () => {
    // What the first derivative is plays no part here: whether it has one itself does.
    const Sigmoid = derivative('HardSigmoid');
    const report = await withRules({ Sigmoid, HardSigmoid: undefined }, () =>
      analyze({ ...options, matrix: 'hessian' }),
    );
    assert.deepEqual(methods(report), ['ggn', 'exact', 'exact']);
    assert.ok(report.layers[0].trace.ggn && !report.layers[0].trace.hessian && report.layers[0].bits);
    assert.ok(report.layers[1].trace.hessian && report.layers[2].trace.hessian);
    assert.match(report.layers[0].reason!, /no second derivative: its derivative needs HardSigmoid/);
    assert.ok(
      codes(report).includes('first-derivative-only') && codes(report).includes('partial-eigenvalues'),
    );
  });

  test('that ONNX Runtime refuses costs the stage, not the analysis', async () => {
    const report = await withRules({ Tanh: derivative('Nonsense') }, () => analyze(options));
    assert.deepEqual(methods(report), ['differences', 'differences', 'exact']);
    assert.match(
      report.diagnostics.find(d => d.code === 'stage-failed')!.message,
      /^GGN traces failed: .*Nonsense/,
    );
    assert.ok(report.complete);
    await assertTraces(report);
  });
});

test('a layer whose trace overflows float32 is told, and costs the others nothing', async () => {
  const filled = (value: number, ...shape: number[]) =>
    float32Tensor(shape, new Float32Array(shape[0] * shape[1]).fill(value));
  const model = workspace.model(
    'overflow.onnx',
    makeGraph([input('x', 'N', 6)], { before: filled(1e-10, 6, 5), large: filled(1e25, 5, 3) }, [
      ['MatMul', ['x', 'before'], 'a'],
      ['MatMul', ['a', 'large'], 'y'],
    ]),
  );
  const { layers } = await analyze({ ...options, model, loss: 'mse', matrix: 'ggn', eigenvalues: 0 });
  assert.deepEqual(
    layers.map(l => [l.name, l.status, l.method]),
    [
      ['before', 'not-reached', undefined],
      ['large', 'analysed', 'exact'],
    ],
  );
  assert.match(layers[0].reason ?? '', /became Infinity at draw/);
});
