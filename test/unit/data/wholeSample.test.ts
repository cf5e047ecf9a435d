import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDataset } from '../../../src/engine/data/dataset';
import { fillOf } from '../../../src/engine/data/roles';
import { sampleAxesOf } from '../../../src/engine/data/wholeSample';
import type { Graph, ValueInfo } from '../../../src/engine/graph/graph';
import { float32Tensor, int64Tensor } from '../../../src/engine/onnx/tensor';
import { curvatureError } from '../../support/assertions';
import { input, makeGraph, type NodeSpec } from '../../support/models';
import { npz } from '../../support/npz';

const indices = (name: string, ...shape: (number | string)[]): ValueInfo => ({
  name,
  elemType: 'int64',
  shape,
});
const constants = {
  w: float32Tensor([6, 3], new Float32Array(18)),
  square: float32Tensor([4, 4], new Float32Array(16)),
  table: float32Tensor([50, 6], new Float32Array(300)),
  ...{ zero: int64Tensor([0], []), one: int64Tensor([1], []), last: int64Tensor([-1]) },
};
const graphOf = (inputs: readonly ValueInfo[], ...nodes: NodeSpec[]): Graph =>
  makeGraph(inputs, constants, nodes);

const atAxis = (axis: number) => ({ axis: { int: axis } });
/** Each node gets what one neighbour says, and hands on what another one is told. */
const messages: readonly NodeSpec[] = [
  ['MatMul', ['nodes', 'w'], 'x'],
  ['Gather', ['edges', 'zero'], 'from'],
  ['Gather', ['edges', 'one'], 'to'],
  ['Gather', ['x', 'from'], 'told'],
  ['Unsqueeze', ['to', 'last'], 'places'],
  ['ScatterND', ['x', 'places', 'told'], 'y'],
];
const product: NodeSpec = ['MatMul', ['adjacency', 'x'], 'y'];
const features: NodeSpec = ['MatMul', ['nodes', 'w'], 'x'];

for (const [what, graph, expected] of [
  ['edges among nodes', graphOf([input('nodes', 7, 6), indices('edges', 2, 12)], ...messages), true],
  ['any number of both', graphOf([input('nodes', 'n', 6), indices('edges', 2, 'e')], ...messages), true],
  ['two features a node', graphOf([input('nodes', 7, 2), indices('edges', 2, 12)], ...messages), true],
  [
    'senders apart',
    graphOf([input('nodes', 'n', 6), indices('senders', 'e')], ['Gather', ['nodes', 'senders'], 'y']),
    true,
  ],
  [
    'loops joined to the edges',
    graphOf(
      [input('nodes', 'n', 6), indices('senders', 'e'), indices('loops', 'n')],
      ['Concat', ['senders', 'loops'], 'all', atAxis(0)],
      ['Gather', ['nodes', 'all'], 'y'],
    ),
    true,
  ],
  [
    'a matrix of neighbours',
    graphOf([input('nodes', 7, 6), input('adjacency', 7, 7)], features, product),
    true,
  ],
  [
    'a matrix of neighbours, divided by its sums',
    graphOf(
      [input('nodes', 'n', 6), input('weights', 'n', 'n')],
      features,
      ['ReduceSum', ['weights', 'one'], 'sums'],
      ['Div', ['weights', 'sums'], 'adjacency'],
      product,
    ),
    true,
  ],
  [
    'indices of a table, which is the same for all',
    graphOf([input('nodes', 'N', 6), indices('words', 'T')], ['Gather', ['table', 'words'], 'y']),
    false,
  ],
  [
    'an index of each sample',
    graphOf([input('nodes', 'N', 6), indices('order', 'N')], ['Gather', ['nodes', 'order'], 'y']),
    false,
  ],
  [
    'indices along another axis',
    graphOf(
      [input('nodes', 'N', 7, 6), indices('edges', 12)],
      ['Gather', ['nodes', 'edges'], 'y', atAxis(1)],
    ),
    false,
  ],
  [
    'indices of what only the shape of an input tells',
    graphOf(
      [input('nodes', 'N', 6), indices('which', 'k')],
      ['Shape', ['nodes'], 'shape'],
      ['Gather', ['shape', 'which'], 'y'],
    ),
    false,
  ],
  [
    'the last place of a tuple',
    graphOf(
      [input('nodes', 'N', 6), indices('row', 1), indices('place', 1)],
      ['Concat', ['row', 'place'], 'at', atAxis(-1)],
      ['GatherND', ['nodes', 'at'], 'y'],
    ),
    false,
  ],
  ['a named batch', graphOf([input('nodes', 'batch', 6), indices('edges', 2, 'e')], ...messages), false],
  [
    'as many features as samples, with weights of the model',
    graphOf(
      [input('nodes', 4, 6), input('state', 4, 4)],
      features,
      ['MatMul', ['state', 'square'], 's'],
      ['Concat', ['x', 's'], 'y', atAxis(1)],
    ),
    false,
  ],
] as [string, Graph, boolean][]) {
  test(`inputs are ${expected ? '' : 'not '}one sample together: ${what}`, () => {
    const found = [...sampleAxesOf(graph).values()];
    assert.equal(
      found.every(axis => axis === 'whole'),
      expected,
    );
    assert.equal(found.includes('whole'), expected);
  });
}

test('made-up indices pick among all nodes, and weights of neighbours are positive', () => {
  const graph = graphOf([input('nodes', 'n', 6), indices('edges', 2, 'e')], ...messages);
  const shapes = new Map([
    ['nodes', [9, 6]],
    ['edges', [2, 5]],
  ]);
  assert.deepEqual(fillOf(graph.inputs[1], graph, shapes), { kind: 'below', limit: 9, last: undefined });
  const dense = graphOf([input('nodes', 7, 6), input('adjacency', 7, 7)], features, product);
  assert.deepEqual(
    dense.inputs.map(i => fillOf(i, dense).kind),
    ['normal', 'uniform'],
  );
});

const graph = graphOf([input('nodes', 'n', 6), indices('edges', 2, 'e')], ...messages);
const open = (arrays: Parameters<typeof npz>[0]) =>
  openDataset(npz(arrays), 'd.npz', { inputs: graph.inputs, axes: sampleAxesOf(graph) });
const floats = (...shape: number[]) => ({
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)).map((_, i) => i),
});
const ints = (...shape: number[]) => ({ shape, data: new BigInt64Array(shape.reduce((a, b) => a * b, 1)) });

test('arrays of the shapes of the inputs are one sample, with labels for its rows', () => {
  const { samples, inputs, labels } = open({ nodes: floats(7, 6), edges: ints(2, 12), labels: ints(7) });
  assert.equal(samples, 1);
  assert.deepEqual(inputs.get('nodes')!.shape, [1, 7, 6]);
  assert.deepEqual(inputs.get('edges')!.shape, [1, 2, 12]);
  assert.deepEqual(labels!.shape, [1, 7]);
});

test('one label for all of it stays one', () => {
  for (const labels of [ints(1), ints()])
    assert.deepEqual(open({ nodes: floats(7, 6), edges: ints(2, 12), labels }).labels!.shape, [1]);
});

test('arrays with one more axis in front hold several samples', () => {
  const dataset = open({ nodes: floats(5, 7, 6), edges: ints(5, 2, 12), labels: ints(5, 7) });
  assert.equal(dataset.samples, 5);
  const { inputs, labels } = dataset.batch(3, 1);
  assert.deepEqual(inputs.get('nodes')!.shape, [1, 7, 6]);
  assert.equal(inputs.get('nodes')!.data[0], 3 * 42);
  assert.deepEqual(labels!.shape, [1, 7]);
});

for (const [what, arrays, message] of [
  [
    'shapes that don’t fit',
    { nodes: floats(7, 5), edges: ints(2, 12) },
    /'nodes' has shape \[7, 5\]; the model expects \[n, 6\], or \[samples, n, 6\] for several samples/,
  ],
  [
    'an axis of samples in some arrays only',
    { nodes: floats(5, 7, 6), edges: ints(2, 12) },
    /differ in their number of samples: 'nodes' 5, 'edges' 1/,
  ],
  [
    'labels for another number of samples',
    { nodes: floats(5, 7, 6), edges: ints(5, 2, 12), labels: ints(7) },
    /'nodes' 5, 'edges' 5, 'labels' 7/,
  ],
] as [string, Parameters<typeof npz>[0], RegExp][]) {
  test(`${what} are refused`, () =>
    assert.throws(() => open(arrays), curvatureError('data-mismatch', message)));
}
