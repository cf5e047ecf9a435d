import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dequantizeWeights } from '../../../src/engine/graph/dequantize';
import type { Graph } from '../../../src/engine/graph/graph';
import {
  type ElemType,
  float32Tensor,
  numElements,
  storage,
  type Tensor,
} from '../../../src/engine/onnx/tensor';
import { Session } from '../../../src/engine/runtime/session';
import { Rng } from '../../../src/engine/util/rng';
import { curvatureError } from '../../support/assertions';
import { input, makeGraph } from '../../support/models';

function integers(elemType: ElemType, shape: readonly number[], least: number, most: number): Tensor {
  const random = Rng.of(1, 'integers', elemType);
  const data = new storage[elemType](numElements(shape));
  for (let i = 0; i < data.length; i++) data[i] = least + random.below(most - least + 1);
  return { elemType, shape, data };
}

const scales = (...shape: number[]): Tensor => {
  const random = Rng.of(2, 'scales');
  return float32Tensor(
    shape,
    Float32Array.from({ length: numElements(shape) }, () => 0.01 + Math.abs(random.normal())),
  );
};

/** The graph's one weight, and what ONNX Runtime makes of the nodes that dequantize it. */
async function compared(
  graph: Graph,
): Promise<{ name: string; bits: number; found: Tensor; expected: Tensor }> {
  const { graph: plain, bits } = dequantizeWeights(graph);
  assert.deepEqual(
    plain.nodes.map(n => n.opType),
    ['MatMul'],
  );
  const name = plain.nodes[0].inputs[1];
  const made = graph.nodes.find(n => n.opType === 'MatMul')!.inputs[1];
  const session = await Session.create({
    ...graph,
    inputs: [],
    outputs: [made],
    nodes: graph.nodes.slice(0, -1),
  });
  const expected = (await session.run({}))[made];
  await session.dispose();
  return { name, bits: bits.get(name)!, found: plain.initializers.get(name)!, expected };
}

const widths: readonly [ElemType, number, number, number][] = [
  ['int4', -8, 7, 4],
  ['uint4', 0, 15, 4],
  ['int8', -128, 127, 8],
  ['uint8', 0, 255, 8],
  ['int16', -32768, 32767, 16],
  ['uint16', 0, 65535, 16],
];

describe('constant weights are dequantized as ONNX Runtime does it', () => {
  for (const [type, least, most, bits] of widths) {
    for (const [form, scaleShape, attributes] of [
      ['per tensor', [], {}],
      ['per channel', [5], { axis: { int: 1 } }],
      ['per block', [3, 5], { axis: { int: 0 }, block_size: { int: 2 } }],
    ] as const) {
      test(`${type} ${form}`, async () => {
        const graph = makeGraph(
          [input('x', 1, 6)],
          {
            'fc.weight_quantized': integers(type, [6, 5], least, most),
            scale: scales(...scaleShape),
            zero: integers(type, scaleShape, least, most),
          },
          [
            ['DequantizeLinear', ['fc.weight_quantized', 'scale', 'zero'], 'w', attributes],
            ['MatMul', ['x', 'w'], 'y'],
          ],
          21,
        );
        const result = await compared(graph);
        assert.equal(result.name, 'fc.weight');
        assert.equal(result.bits, bits);
        assert.deepEqual(result.found, result.expected);
      });
    }
  }

  test('float weights behind a pair take the values on the grid', async () => {
    const random = Rng.of(3, 'floats');
    // Halves of the step, which are rounded to even, and values out of range.
    const values = Float32Array.from(
      { length: 30 },
      (_, i) => (i % 3 === 0 ? (i - 15) / 2 : 90 * random.normal()) / 2,
    );
    const graph = makeGraph(
      [input('x', 1, 6)],
      { w: float32Tensor([6, 5], values), scale: float32Tensor([], [0.5]), zero: integers('int8', [], 3, 3) },
      [
        ['QuantizeLinear', ['w', 'scale', 'zero'], 'q'],
        ['DequantizeLinear', ['q', 'scale', 'zero'], 'd'],
        ['MatMul', ['x', 'd'], 'y'],
      ],
      21,
    );
    const { graph: plain, bits } = dequantizeWeights(graph);
    assert.deepEqual(
      plain.nodes.map(n => n.opType),
      ['MatMul'],
    );
    const name = plain.nodes[0].inputs[1];
    assert.equal(bits.get(name), 8);
    const session = await Session.create({
      ...graph,
      inputs: [],
      outputs: ['d'],
      nodes: graph.nodes.slice(0, 2),
    });
    assert.deepEqual(plain.initializers.get(name), (await session.run({}))['d']);
    await session.dispose();
  });
});

test('a weight that two nodes dequantize alike is one weight, and activations are left alone', () => {
  const graph = makeGraph(
    [input('x', 1, 2)],
    {
      w_quantized: integers('int8', [2, 2], -9, 9),
      scale: scales(),
      zero: integers('int8', [], 0, 0),
    },
    [
      ['QuantizeLinear', ['x', 'scale', 'zero'], 'xq'],
      ['DequantizeLinear', ['xq', 'scale', 'zero'], 'xd'],
      ['DequantizeLinear', ['w_quantized', 'scale', 'zero'], 'w1'],
      ['DequantizeLinear', ['w_quantized', 'scale', 'zero'], 'w2'],
      ['MatMul', ['xd', 'w1'], 'h'],
      ['MatMul', ['h', 'w2'], 'y'],
    ],
  );
  const { nodes } = dequantizeWeights(graph).graph;
  assert.deepEqual(
    nodes.map(n => [n.opType, ...n.inputs]),
    [
      ['QuantizeLinear', 'x', 'scale', 'zero'],
      ['DequantizeLinear', 'xq', 'scale', 'zero'],
      ['MatMul', 'xd', 'w'],
      ['MatMul', 'h', 'w'],
    ],
  );
});

test('scales that do not fit are refused', () => {
  const graph = makeGraph(
    [input('x', 1, 2)],
    { w: integers('int8', [2, 3], -9, 9), scale: scales(7), zero: integers('int8', [7], 0, 0) },
    [
      ['DequantizeLinear', ['w', 'scale', 'zero'], 'd'],
      ['MatMul', ['x', 'd'], 'y'],
    ],
  );
  assert.throws(
    () => dequantizeWeights(graph),
    curvatureError('model-invalid', /Node "d" \(DequantizeLinear\) has 7 scales .* expected 3/),
  );
});
