import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { analyze, coverage, type Report } from '../../src/engine';
import { defaultOptions } from '../../src/engine/analysis/options';
import type { Graph } from '../../src/engine/graph/graph';
import { float32Tensor, type Tensor } from '../../src/engine/onnx/tensor';
import { Rng } from '../../src/engine/util/rng';
import { input, makeGraph, Workspace } from '../support/models';

const workspace = new Workspace();
after(() => workspace.remove());
const random = Rng.of(3, 'training form');
const vector = (size: number, value: () => number): Tensor =>
  float32Tensor([size], Float32Array.from({ length: size }, value));

const weights = {
  first: float32Tensor([6, 8], random.normals(48)),
  last: float32Tensor([8, 3], random.normals(24)),
  ...{ scale: vector(8, () => 1 + random.normal() / 8), bias: vector(8, () => random.normal()) },
  ...{ mean: vector(8, () => random.normal()), variance: vector(8, () => 0.5 + random.normal() ** 2) },
  ratio: float32Tensor([], Float32Array.of(0.5)),
  yes: { elemType: 'bool', shape: [], data: Uint8Array.of(1) } as const,
};

/** What nodes give out besides: the statistics of a batch, and the mask of Dropout. */
const besides: Readonly<Record<string, readonly string[]>> = { b: ['m', 'v'], d: ['mask'] };
const withMore = (graph: Graph): Graph => ({
  ...graph,
  nodes: graph.nodes.map(n => ({ ...n, outputs: [...n.outputs, ...(besides[n.outputs[0]] ?? [])] })),
});

const normalization = ['a', 'scale', 'bias', 'mean', 'variance'];
const atTraining = { training_mode: { int: 1 } };

/** As `torch.onnx.export(…, training=TrainingMode.TRAINING)` writes it. */
const training = withMore(
  makeGraph([input('x', 'N', 6)], weights, [
    ['MatMul', ['x', 'first'], 'a'],
    ['BatchNormalization', normalization, 'b', atTraining],
    ['Relu', ['b'], 'c'],
    ['Dropout', ['c', 'ratio', 'yes'], 'd'],
    ['MatMul', ['d', 'last'], 'y'],
  ]),
);
const inference = makeGraph([input('x', 'N', 6)], weights, [
  ['MatMul', ['x', 'first'], 'a'],
  ['BatchNormalization', normalization, 'b'],
  ['Relu', ['b'], 'c'],
  ['MatMul', ['c', 'last'], 'y'],
]);

const data = workspace.npz('x.npz', {
  x: { shape: [16, 6], data: random.normals(96) },
  labels: { shape: [16], data: BigInt64Array.from({ length: 16 }, (_, i) => BigInt(i % 3)) },
});
const run = (model: string): Promise<Report> =>
  analyze({ ...defaultOptions, model, data, eigenvalues: 0, executionProvider: 'cpu' });

test('a model exported as in training is measured as at inference, and told of', async () => {
  const file = workspace.model('training.onnx', training);
  const found = await run(file);
  const expected = await run(workspace.model('inference.onnx', inference));
  const told = found.diagnostics.find(d => d.code === 'training-form');
  assert.equal(told?.severity, 'warning');
  assert.match(told.message, /BatchNormalization \(1\), Dropout \(1\).*model\.eval\(\)/);
  assert.ok(!expected.diagnostics.some(d => d.code === 'training-form'));
  assert.deepEqual(
    found.layers.map(l => [l.method, l.trace, l.bits]),
    expected.layers.map(l => [l.method, l.trace, l.bits]),
  );
  assert.ok(found.layers.every(l => l.method === 'exact'));
  assert.equal(found.loss, expected.loss);
  const { complete, diagnostics } = await coverage(file);
  assert.ok(complete);
  assert.ok(diagnostics.some(d => d.code === 'training-form'));
});

test('statistics that somebody reads are left as in training', async () => {
  const graph = makeGraph([input('x', 'N', 6)], weights, [
    ['MatMul', ['x', 'first'], 'a'],
    ['BatchNormalization', normalization, 'b', atTraining],
    ['Sub', ['b', 'm'], 'c'],
    ['MatMul', ['c', 'last'], 'y'],
  ]);
  const { diagnostics } = await coverage(workspace.model('read.onnx', withMore(graph)));
  assert.ok(!diagnostics.some(d => d.code === 'training-form'));
});
