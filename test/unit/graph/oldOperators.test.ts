import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromModel } from '../../../src/engine/graph/fromModel';
import type { Graph } from '../../../src/engine/graph/graph';
import { encodeGraph } from '../../../src/engine/graph/toModel';
import { decodeModel } from '../../../src/engine/onnx/read';
import { float32Tensor, type Tensor, toNumbers } from '../../../src/engine/onnx/tensor';
import { prepare } from '../../../src/engine/runtime/prepare';
import { Session } from '../../../src/engine/runtime/session';
import { makeGraph, input } from '../../support/models';

/** Value of a file of this graph for x = −2, −1, … */
async function valueOf(graph: Graph): Promise<number[]> {
  const read = fromModel(decodeModel(encodeGraph(graph), 'old.onnx'), '.');
  const shape = graph.inputs[0].shape as number[];
  const size = shape.reduce((p, d) => p * d, 1);
  const feeds: Record<string, Tensor> = {
    x: float32Tensor(
      shape,
      Array.from({ length: size }, (_, i) => i - 2),
    ),
  };
  const { graph: prepared } = await prepare(read, new Map([['x', shape]]), new Set(), feeds);
  const session = await Session.create(prepared);
  const results = await session.run(feeds);
  await session.dispose();
  return toNumbers(results[graph.outputs[0]]);
}

const vector = (...values: number[]): Tensor => float32Tensor([values.length], values);
const image = input('x', 1, 2, 2, 2);

const cases: readonly { name: string; graph: Graph; expected: readonly number[] }[] = [
  {
    name: 'a bias along the channels (opset 6)',
    graph: makeGraph(
      [image],
      { b: vector(10, 20) },
      [['Add', ['x', 'b'], 'y', { broadcast: { int: 1 }, axis: { int: 1 } }]],
      6,
    ),
    expected: [8, 9, 10, 11, 22, 23, 24, 25],
  },
  {
    name: 'an operand along the last axes (opset 3)',
    graph: makeGraph(
      [image],
      { b: vector(1, 2) },
      [['Mul', ['x', 'b'], 'y', { broadcast: { int: 1 }, consumed_inputs: { ints: [0, 0] } }]],
      3,
    ),
    expected: [-2, -2, 0, 2, 2, 6, 4, 10],
  },
  {
    name: 'slopes per channel (opset 6)',
    graph: makeGraph([image], { s: vector(0.5, 2) }, [['PRelu', ['x', 's'], 'y']], 6),
    expected: [-1, -0.5, 0, 1, 2, 3, 4, 5],
  },
  {
    name: 'the shape as an attribute, and Gemm with broadcast (opset 4)',
    graph: makeGraph(
      [image],
      { w: float32Tensor([4, 1], [1, 1, 1, 1]), c: vector(100) },
      [
        ['Reshape', ['x'], 'r', { shape: { ints: [2, -1] } }],
        ['Gemm', ['r', 'w', 'c'], 'y', { broadcast: { int: 1 } }],
      ],
      4,
    ),
    expected: [98, 114],
  },
  {
    name: 'BatchNormalization with its old attributes, and Dropout at inference (opset 6)',
    graph: makeGraph(
      [image],
      { g: vector(2, 3), b: vector(1, 1), m: vector(0, 2), v: vector(1, 4) },
      [
        [
          'BatchNormalization',
          ['x', 'g', 'b', 'm', 'v'],
          'n',
          { is_test: { int: 1 }, epsilon: { float: 0 } },
        ],
        ['Dropout', ['n'], 'y', { is_test: { int: 1 } }],
      ],
      6,
    ),
    expected: [-3, -1, 1, 3, 1, 2.5, 4, 5.5],
  },
  {
    name: 'statistics per feature (opset 7)',
    graph: makeGraph(
      [input('x', 2, 2, 1)],
      {
        g: float32Tensor([2, 1], [1, 2]),
        b: float32Tensor([2, 1], [0, 1]),
        m: float32Tensor([2, 1], [1, 0]),
        v: float32Tensor([2, 1], [1, 4]),
      },
      [
        [
          'BatchNormalization',
          ['x', 'g', 'b', 'm', 'v'],
          'y',
          { spatial: { int: 0 }, epsilon: { float: 0 } },
        ],
      ],
      7,
    ),
    expected: [-3, 0, -1, 2],
  },
  {
    name: 'Concat along channels by default, Cast by name, Pad (opset 1)',
    graph: makeGraph(
      [image],
      {},
      [
        ['Cast', ['x'], 'c', { to: { string: 'FLOAT' } }],
        ['Concat', ['c', 'x'], 'd'],
        ['Pad', ['d'], 'y', { paddings: { ints: [0, -3, -1, 0, 0, 0, 0, 0] } }],
      ],
      1,
    ),
    expected: [4, 5],
  },
  {
    name: 'Upsample by two scales (opset 6)',
    graph: makeGraph(
      [input('x', 1, 1, 1, 2)],
      {},
      [
        [
          'Upsample',
          ['x'],
          'y',
          { height_scale: { float: 1 }, width_scale: { float: 2 }, mode: { string: 'nearest' } },
        ],
      ],
      6,
    ),
    expected: [-2, -2, -1, -1],
  },
];

for (const { name, graph, expected } of cases)
  test(name, async () => assert.deepEqual(await valueOf(graph), expected));
