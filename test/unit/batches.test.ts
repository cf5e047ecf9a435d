import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { analyze } from '../../src/engine';
import { openModel } from '../../src/engine/analysis/model';
import { defaultOptions } from '../../src/engine/analysis/options';
import { setUp } from '../../src/engine/analysis/setUp';
import { lossAndGradient } from '../../src/engine/curvature/products';
import type { Graph, ValueInfo } from '../../src/engine/graph/graph';
import { float32Tensor, int64Tensor } from '../../src/engine/onnx/tensor';
import { Rng } from '../../src/engine/util/rng';
import { input, makeGraph, Workspace } from '../support/models';

const workspace = new Workspace();
after(() => workspace.remove());
const random = Rng.of(4, 'batches');
const normals = (...shape: number[]) =>
  float32Tensor(shape, random.normals(shape.reduce((a, b) => a * b, 1)));
const options = { ...defaultOptions, loss: 'mse' as const, eigenvalues: 0, executionProvider: 'cpu' };
const prepared = (graph: Graph, more: { data?: string; samples?: number } = {}) =>
  setUp(openModel(workspace.model('m.onnx', graph)), { ...options, ...more });
const codes = ({ diagnostics }: Awaited<ReturnType<typeof prepared>>) => diagnostics.map(d => d.code);

const w = normals(6, 4);
const data = workspace.npz('x.npz', {
  x: { shape: [5, 6], data: random.normals(30) },
  targets: { shape: [5, 4], data: random.normals(20) },
});
const plain = makeGraph([input('x', 'N', 6)], { w }, [['MatMul', ['x', 'w'], 'y']]);

describe('a model that states an open batch and can run only one sample', () => {
  /** Fails to run where x has two rows. */
  const atRun = makeGraph([input('x', 'N', 6)], { w, row: int64Tensor([1, 6]), shape: int64Tensor([1, 4]) }, [
    ['Reshape', ['x', 'row'], 'r'],
    ['MatMul', ['r', 'w'], 'm'],
    ['Reshape', ['m', 'shape'], 'y'],
  ]);
  /** Runs, but lays the samples one behind the other, so that no axis of its result counts them. */
  const merging = makeGraph([input('x', 'N', 8, 6)], { w, rows: int64Tensor([1, -1, 6]) }, [
    ['Reshape', ['x', 'rows'], 'r'],
    ['MatMul', ['r', 'w'], 'y'],
  ]);

  for (const [name, graph, more] of [
    ['fails', atRun, { data }],
    ['merges samples', merging, { samples: 5 }],
  ] as const) {
    test(`${name}: each sample runs alone, and the report says why`, async () => {
      const found = await prepared(graph, more);
      assert.equal(found.problem.batch, 1);
      assert.equal(codes(found).filter(c => c === 'one-sample-at-once').length, 1);
    });
  }

  test('the numbers are those of the batch', async () => {
    const parameter = [{ name: 'w', shape: [6, 4], size: 24 }];
    const whole = await prepared(plain, { data });
    assert.equal(whole.problem.batch, 5);
    const alone = await lossAndGradient((await prepared(atRun, { data })).problem, parameter);
    const together = await lossAndGradient(whole.problem, parameter);
    assert.ok(Math.abs(alone.loss / together.loss - 1) < 1e-5, `${alone.loss} ${together.loss}`);
    alone.gradient.get('w')!.forEach((g, i) => {
      assert.ok(Math.abs(g - together.gradient.get('w')![i]) < 1e-5);
    });
  });

  test('one that fails on a single sample as well tells its own reason', async () => {
    const wrong = makeGraph([input('x', 'N', 6)], { w, row: int64Tensor([7]) }, [
      ['Reshape', ['x', 'row'], 'r'],
      ['MatMul', ['r', 'w'], 'y'],
    ]);
    await assert.rejects(analyze({ ...options, model: workspace.model('w.onnx', wrong), data }), {
      name: 'CurvatureError',
    });
  });
});

/** y and the next state of a cell, [layers, batch, width], of which each sample has its own part. */
const withState: Graph = {
  ...makeGraph([input('x', 'batch', 6), input('state', 2, 'batch', 4)], { w, u: normals(4, 4) }, [
    ['MatMul', ['x', 'w'], 'm'],
    ['MatMul', ['state', 'u'], 'n'],
    ['Add', ['m', 'n'], 'next'],
    ['ReduceSum', ['next', 'zero'], 'y', { keepdims: { int: 0 } }],
  ]),
  outputs: ['y', 'next'],
};
const cell = {
  ...withState,
  initializers: new Map([...withState.initializers, ['zero', int64Tensor([0])]]),
};

test('states with the batch on axis 1 are made up and measured for any number of samples', async () => {
  const found = await prepared(cell, { samples: 5 });
  assert.equal(found.problem.batch, 5);
  assert.deepEqual(
    found.data.arrays.map(a => a.shape),
    [
      [5, 6],
      [2, 5, 4],
    ],
  );
  assert.deepEqual(found.problem.outputs, ['y', 'next']);
  assert.deepEqual(found.problem.loss.shape, [5, 4 + 8]);
});

test('traces are the same for samples in one run and in several, wherever the batch stands', async () => {
  const model = workspace.model('cell.onnx', cell);
  const exact = { ...options, model, samples: 5, matrix: 'hessian' as const };
  const whole = await analyze(exact);
  const parts = await analyze({ ...exact, batch: 3 });
  assert.deepEqual(whole.layers.map(l => l.name).sort(), ['u', 'w']);
  whole.layers.forEach((l, i) => {
    const [a, b] = [l.trace.hessian!, parts.layers[i].trace.hessian!];
    assert.ok(a.exact && Math.abs(a.estimate / b.estimate - 1) < 1e-4, `${a.estimate} ${b.estimate}`);
  });
});

test('an integer for all samples takes the value that the model compares it with, and decides its shapes', async () => {
  const rate: ValueInfo = { name: 'rate', elemType: 'int64', shape: [] };
  const graph = makeGraph(
    [input('x', 'N', 6), rate],
    { w, expected: int64Tensor([6], []), start: int64Tensor([0]), axis: int64Tensor([1]) },
    [
      ['Equal', ['rate', 'expected'], 'same'],
      ['Cast', ['same'], 'is', { to: { int: 7 } }],
      ['Mul', ['rate', 'is'], 'n'],
      ['Unsqueeze', ['n', 'start'], 'end'],
      ['Slice', ['x', 'start', 'end', 'axis'], 's'],
      ['MatMul', ['s', 'w'], 'y'],
    ],
  );
  const found = await prepared(graph);
  assert.match(found.diagnostics.find(d => d.code === 'input-bound')!.message, /"rate".* 6 is built/);
  assert.deepEqual(
    found.problem.prepared.graph.nodes.map(n => n.opType).filter(t => t === 'Equal' || t === 'Mul'),
    [],
  );
});

test('made-up inputs are as long as the model needs them', async () => {
  const kernel = normals(4, 1, 80);
  const graph = makeGraph([input('wave', 'N', 1, 'time')], { kernel, w: normals(4, 3) }, [
    ['Conv', ['wave', 'kernel'], 'c', { strides: { ints: [40] } }],
    ['GlobalAveragePool', ['c'], 'p'],
    ['Flatten', ['p'], 'f'],
    ['MatMul', ['f', 'w'], 'y'],
  ]);
  const found = await prepared(graph);
  assert.deepEqual(found.data.arrays[0].shape, [64, 1, 512]);
});
