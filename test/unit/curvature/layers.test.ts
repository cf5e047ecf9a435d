import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findLayers } from '../../../src/engine/curvature/layers';
import { findParameters } from '../../../src/engine/curvature/parameters';
import { piecewiseLinearLayers } from '../../../src/engine/curvature/piecewise';
import type { Graph } from '../../../src/engine/graph/graph';
import { float32Tensor, int64Tensor } from '../../../src/engine/onnx/tensor';
import { input, makeGraph } from '../../support/models';

const weight = (...shape: number[]) =>
  float32Tensor(shape, new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.1));
const axisOf = (graph: Graph): (number | null)[] => findLayers(graph).map(l => l.channelAxis);

describe('output channels lie along', () => {
  for (const [what, axis, node, shape] of [
    ['axis 0 of a Conv', 0, ['Conv', ['x', 'w'], 'y'], [4, 3, 1, 1]],
    ['axis 1 of a ConvTranspose', 1, ['ConvTranspose', ['x', 'w'], 'y'], [3, 4, 1, 1]],
    ['axis 1 of a MatMul on the right', 1, ['MatMul', ['x', 'w'], 'y'], [3, 4]],
    ['axis 0 of a MatMul on the left', 0, ['MatMul', ['w', 'x'], 'y'], [4, 3]],
    ['axis 1 of a Gemm', 1, ['Gemm', ['x', 'w'], 'y'], [3, 4]],
    ['axis 0 of a transposed Gemm', 0, ['Gemm', ['x', 'w'], 'y', { transB: { int: 1 } }], [4, 3]],
    [
      'the axis that an Einsum keeps',
      0,
      ['Einsum', ['x', 'w'], 'y', { equation: { string: 'bi, oi -> bo' } }],
      [4, 3],
    ],
    [
      'none where an Einsum sums over all',
      null,
      ['Einsum', ['x', 'w'], 'y', { equation: { string: 'bij,ij->b' } }],
      [4, 3],
    ],
    ['axis 0 of an embedding', 0, ['Gather', ['w', 'x'], 'y'], [9, 4]],
  ] as const) {
    test(what, () =>
      assert.deepEqual(axisOf(makeGraph([input('x', 'N', 3)], { w: weight(...shape) }, [node])), [axis]),
    );
  }

  test('the other axis behind a Transpose', () => {
    const graph = makeGraph([input('x', 'N', 3)], { w: weight(4, 3) }, [
      ['Transpose', ['w'], 'wT', { perm: { ints: [1, 0] } }],
      ['MatMul', ['x', 'wT'], 'y'],
    ]);
    assert.deepEqual(axisOf(graph), [0]);
  });

  test('no axis behind a Reshape', () => {
    const graph = makeGraph([input('x', 'N', 3)], { w2: weight(2, 6), s: int64Tensor([3, 4]) }, [
      ['Reshape', ['w2', 's'], 'r'],
      ['MatMul', ['x', 'r'], 'y'],
    ]);
    assert.deepEqual(axisOf(graph), [null]);
  });
});

describe('layers', () => {
  const graph = makeGraph(
    [input('x', 'N', 3)],
    {
      later: weight(3, 3),
      'onnx::MatMul_7': weight(3, 3),
      bias: weight(3),
      one: weight(1),
      scale: weight(1),
    },
    [
      ['MatMul', ['x', 'onnx::MatMul_7'], '/encoder/layer.0/query/MatMul'],
      ['Add', ['/encoder/layer.0/query/MatMul', 'bias'], 'a'],
      ['Gemm', ['a', 'later', 'one'], 'b'],
      ['Gemm', ['b', 'later'], 'c'],
      ['Mul', ['c', 'scale'], 'y'],
    ],
  );

  test('are weights of rank 2 in the order of use, with the names that people know', () => {
    assert.deepEqual(
      findLayers(graph).map(l => [l.name, l.initializer, l.opType, l.nodes]),
      [
        ['encoder.layer.0.query.weight', 'onnx::MatMul_7', 'MatMul', ['/encoder/layer.0/query/MatMul']],
        ['later', 'later', 'Gemm', ['b', 'c']],
      ],
    );
  });

  test('are named after the bias beside them where the exporter left nothing else', () => {
    const graph = makeGraph([input('x', 'N', 3)], { val_19: weight(3, 3), 'qkv.bias': weight(3) }, [
      ['MatMul', ['x', 'val_19'], 'node_MatMul_18'],
      ['Add', ['node_MatMul_18', 'qkv.bias'], 'y'],
    ]);
    assert.deepEqual(
      findLayers(graph).map(l => [l.name, l.initializer]),
      [['qkv.weight', 'val_19']],
    );
  });

  test('parameters include biases, of one element too, but no single settings', () => {
    assert.deepEqual(
      findParameters(graph).map(p => p.name),
      ['later', 'onnx::MatMul_7', 'bias', 'one'],
    );
  });
});

describe('settings, which are no parameters', () => {
  const parametersOf = (...graph: Parameters<typeof makeGraph>): string[] =>
    findParameters(makeGraph(...graph)).map(p => p.name);
  const ids = { name: 'ids', elemType: 'int64' as const, shape: ['N', 5] };
  const frequencies = float32Tensor([1, 2], [1, 0.1]);
  const table = (wave: (angle: number) => number) =>
    float32Tensor(
      [6, 2],
      Float32Array.from({ length: 12 }, (_, i) => Math.fround(wave((i >> 1) * (i % 2 ? 0.1 : 1)))),
    );

  test('frequencies of waves of positions, but not those of data', () => {
    const waves: Parameters<typeof makeGraph>[2] = [
      ['Cast', ['ids'], 'positions', { to: { int: 1 } }],
      ['Unsqueeze', ['positions', 'last'], 'column'],
      ['MatMul', ['column', 'frequencies'], 'angles'],
      ['Sin', ['angles'], 's'],
      ['Cos', ['angles'], 'c'],
      ['Concat', ['s', 'c'], 'both', { axis: { int: -1 } }],
      ['MatMul', ['both', 'w'], 'y'],
    ];
    const constants = { frequencies, w: weight(4, 3), last: int64Tensor([-1]) };
    assert.deepEqual(parametersOf([ids], constants, waves), ['w']);
    const data = waves.map(node => (node[0] === 'Cast' ? (['Identity', ['x'], 'positions'] as const) : node));
    assert.deepEqual(parametersOf([input('x', 'N', 5)], constants, data), ['frequencies', 'w']);
  });

  test('a weight behind a table of weights stays one, though a wave follows', () => {
    const nodes: Parameters<typeof makeGraph>[2] = [
      ['Gather', ['words', 'ids'], 'e'],
      ['MatMul', ['e', 'w'], 'm'],
      ['Sin', ['m'], 'y'],
    ];
    assert.deepEqual(parametersOf([ids], { words: weight(9, 2), w: weight(2, 3) }, nodes), ['words', 'w']);
  });

  test('tables of sines and cosines, but not of anything else', () => {
    const nodes: Parameters<typeof makeGraph>[2] = ['sin', 'cos', 'learned'].map(name => [
      'Gather',
      [name, 'ids'],
      `${name}_rows`,
    ]);
    const learned = float32Tensor([6, 2], [0, 0, 0.3, 0.1, 0.5, 0.2, 0.6, 0.3, 0.7, 0.1, 0.2, 0.9]);
    const tables = { sin: table(Math.sin), cos: table(Math.cos), learned };
    assert.deepEqual(parametersOf([ids], tables, nodes), ['learned']);
  });

  test('ones and zeros for a normalization over groups, but not those of one over channels', () => {
    const constants = {
      one: weight(2),
      zero: float32Tensor([2], [0, 0]),
      groups: int64Tensor([0, 2, -1]),
    };
    constants.one.data.fill(1 as never);
    const norm = (x: string) => ['InstanceNormalization', [x, 'one', 'zero'], 'y'] as const;
    const x = input('x', 'N', 2, 8);
    assert.deepEqual(parametersOf([x], constants, [['Reshape', ['x', 'groups'], 'r'], norm('r')]), []);
    assert.deepEqual(parametersOf([x], constants, [norm('x')]), ['one', 'zero']);
  });
});

test('piecewise linearity is told per layer', () => {
  const graph = makeGraph(
    [input('x', 'N', 3)],
    { a: weight(3, 3), b: weight(3, 3), c: weight(3, 3), d: weight(3, 3) },
    [
      ['MatMul', ['x', 'a'], 'h1'],
      ['Tanh', ['h1'], 'h2'],
      ['MatMul', ['h2', 'b'], 'h3'],
      ['Mul', ['h3', 'h2'], 'h4'],
      ['MatMul', ['h4', 'c'], 'h5'],
      ['Relu', ['h5'], 'h6'],
      ['MatMul', ['h6', 'd'], 'h7'],
      ['MatMul', ['h7', 'd'], 'y'],
    ],
  );
  // a passes tanh, b is multiplied by what does not depend on it, c passes Relu, d is used twice.
  assert.deepEqual(piecewiseLinearLayers(graph.nodes, findLayers(graph), 'y'), [false, true, true, false]);
});
