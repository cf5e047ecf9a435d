import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ModelProtoSchema } from 'onnx-buf';
import { fromBinary } from '@bufbuild/protobuf';
import { GraphBuilder } from '../../../src/engine/graph/builder';
import { fromModel } from '../../../src/engine/graph/fromModel';
import { toFloat32 } from '../../../src/engine/graph/toFloat32';
import { halvesToFloats } from '../../../src/engine/onnx/half';
import { encodeGraph } from '../../../src/engine/graph/toModel';
import { sortTopologically } from '../../../src/engine/graph/topology';
import { float32Tensor, int64Tensor } from '../../../src/engine/onnx/tensor';
import { input, makeGraph } from '../../support/models';

const graph = makeGraph(
  [input('x', 'N', 2)],
  { w: float32Tensor([2, 2], [1, 2, 3, 4]), axes: int64Tensor([1, 2 ** 63]) },
  [
    ['MatMul', ['x', 'w'], 'a'],
    ['Clip', ['a', '', 'w'], 'b'],
    ['Elu', ['b'], 'c', { alpha: { float: 0.5 } }],
    ['Transpose', ['c'], 'y', { perm: { ints: [1, 0] } }],
  ],
);

test('a graph that is written reads back the same', () => {
  const again = fromModel(fromBinary(ModelProtoSchema, encodeGraph(graph)), '.');
  assert.deepEqual(again.nodes, graph.nodes);
  assert.deepEqual(again.inputs, graph.inputs);
  assert.deepEqual(again.initializers.get('w')!.data, graph.initializers.get('w')!.data);
  assert.equal((again.initializers.get('axes')!.data as BigInt64Array)[1], 2n ** 63n - 1n);
});

test('nodes in any order are sorted, and a chain of 20,000 needs no call stack', () => {
  const chain = Array.from({ length: 20_000 }, (_, i) => ({
    ...graph.nodes[0],
    name: `n${i}`,
    inputs: [i === 0 ? 'x' : `v${i - 1}`],
    outputs: [`v${i}`],
  }));
  const sorted = sortTopologically([...chain].reverse(), ['x']);
  assert.deepEqual(
    sorted.map(n => n.name),
    chain.map(n => n.name),
  );
});

describe('GraphBuilder', () => {
  test('makes equal nodes and constants once', () => {
    const b = new GraphBuilder(graph, new Map());
    assert.equal(b.add('MatMul', ['x', 'w']), 'a');
    assert.equal(b.add('Neg', ['a']), b.add('Neg', ['a']));
    assert.equal(b.scalar(2), b.scalar(2));
    assert.notEqual(b.scalar(2), b.ints([2]));
    assert.notEqual(b.add('Elu', ['b'], { alpha: { float: 1 } }), 'c');
  });

  test('never reuses a name, and drops what the outputs do not need', () => {
    const b = new GraphBuilder(graph, new Map());
    const first = b.within('a', () => b.add('Neg', ['x']));
    const second = b.within('a', () => b.add('Neg', ['b']));
    assert.notEqual(first, second);
    const built = b.build([first]);
    assert.deepEqual(
      built.nodes.map(n => n.outputs[0]),
      [first],
    );
    assert.equal(built.initializers.size, 0);
  });

  test('gives a node another output in place', () => {
    const b = new GraphBuilder(graph, new Map());
    const extra = b.extraOutput(graph.nodes[0], 1);
    assert.equal(b.extraOutput(graph.nodes[0], 1), extra);
    assert.deepEqual(
      b.build([extra]).nodes.map(n => n.outputs),
      [['a', extra]],
    );
  });
});

describe('toFloat32', () => {
  for (const [bits, value] of [
    [0x3c00, 1],
    [0xc000, -2],
    [0x3555, 0.333251953125],
    [0x0001, 2 ** -24],
    [0x8000, -0],
    [0x7bff, 65504],
    [0x7c00, Infinity],
    [0xfe00, NaN],
  ]) {
    test(`half 0x${bits.toString(16)} is ${value}`, () =>
      assert.ok(Object.is(halvesToFloats(Uint16Array.of(bits))[0], value)));
  }

  test('converts weights, inputs and casts of every float type', () => {
    const mixed = makeGraph(
      [{ name: 'x', elemType: 'float16', shape: [1] }],
      {
        half: { elemType: 'float16', shape: [1], data: Uint16Array.of(0x3c00) },
        brain: { elemType: 'bfloat16', shape: [1], data: Uint16Array.of(0x4049) },
        double: { elemType: 'float64', shape: [1], data: Float64Array.of(0.1) },
      },
      [['Cast', ['x'], 'y', { to: { int: 10 } }]],
    );
    const { inputs, initializers, nodes } = toFloat32(mixed);
    assert.equal(inputs[0].elemType, 'float32');
    assert.deepEqual(
      [...initializers.values()].map(t => [t.elemType, t.data[0]]),
      [
        ['float32', 1],
        ['float32', 3.140625],
        ['float32', Math.fround(0.1)],
      ],
    );
    assert.deepEqual(nodes[0].attributes, { to: { int: 1 } });
  });
});
