import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { vjp } from '../../../src/engine/autodiff/vjp';
import { GraphBuilder } from '../../../src/engine/graph/builder';
import type { Graph } from '../../../src/engine/graph/graph';
import { float32Tensor, numElements, type Tensor } from '../../../src/engine/onnx/tensor';
import { padWidths } from '../../../src/engine/ops/padWidths';
import { Session } from '../../../src/engine/runtime/session';
import { inferTypes } from '../../../src/engine/runtime/types';
import { Rng } from '../../../src/engine/util/rng';
import { input, makeGraph, type NodeSpec } from '../../support/models';

const ROWS = 256;
const WIDTH = 1024;
const random = (name: string, ...shape: number[]): Tensor =>
  float32Tensor(
    shape,
    Rng.of(0, name)
      .normals(numElements(shape))
      .map(v => v / 8),
  );
const scalar = (value: number): Tensor => float32Tensor([], [value]);

const weights = {
  up: random('up', 8, WIDTH),
  gate: random('gate', 8, WIDTH),
  bias: random('bias', WIDTH),
  down: random('down', WIDTH, 6),
  turned: random('turned', WIDTH, 8),
  across: random('across', 6, WIDTH),
  middle: random('middle', WIDTH, WIDTH),
  output: random('output', 6),
};
const constants = {
  root: scalar(Math.SQRT2),
  one: scalar(1),
  half: scalar(0.5),
  three: scalar(3),
  row: random('row', ROWS, 1),
};

const gelu = (x: string, y: string): NodeSpec[] => [
  ['Div', [x, 'root'], `${y}/scaled`],
  ['Erf', [`${y}/scaled`], `${y}/erf`],
  ['Add', [`${y}/erf`, 'one'], `${y}/sum`],
  ['Mul', [x, `${y}/sum`], `${y}/product`],
  ['Mul', [`${y}/product`, 'half'], y],
];
const block = (...within: NodeSpec[]): NodeSpec[] => [
  ['MatMul', ['x', 'up'], 'h'],
  ...within,
  ['MatMul', ['a', 'down'], 'y'],
];
const across = { transB: { int: 1 } };

/** How many products of each have a left operand of rows that lie on one place of the cache before, and after. */
const cases: Record<string, { nodes: readonly NodeSpec[]; aliased: number; left: number }> = {
  'of a feed-forward block': {
    // A Transpose that moves nothing is none.
    nodes: [
      ['Transpose', ['up'], 'same', { perm: { ints: [0, 1] } }],
      ['MatMul', ['x', 'same'], 'h'],
      ['Add', ['bias', 'h'], 'b'],
      ...gelu('b', 'a'),
      ['MatMul', ['a', 'down'], 'y'],
    ],
    ...{ aliased: 1, left: 0 },
  },
  'with a gate, scaled row by row': {
    nodes: block(
      ['MatMul', ['x', 'gate'], 'opening'],
      ['Sigmoid', ['opening'], 's'],
      ['Mul', ['opening', 's'], 'silu'],
      ['Mul', ['silu', 'h'], 'c'],
      ['Pow', ['c', 'three'], 'cubed'],
      ['Mul', ['cubed', 'row'], 'a'],
    ),
    ...{ aliased: 1, left: 0 },
  },
  'of matrices that are transposed, one behind the other': {
    nodes: [
      ['Gemm', ['x', 'turned', 'bias'], 'h', across],
      ['Relu', ['h'], 'a'],
      ['MatMul', ['a', 'middle'], 'm'],
      ['Tanh', ['m'], 't'],
      ['Transpose', ['across'], 'back', { perm: { ints: [1, 0] } }],
      // Named as what is made on the way may be.
      ['Neg', ['x'], 'Pad'],
      ['ReduceMean', ['Pad'], 'Transpose', { axes: { ints: [1] } }],
      ['MatMul', ['t', 'back'], 'first'],
      ['Gemm', ['t', 'across', 'output'], 'second', across],
      ['Mul', ['first', 'second'], 'product'],
      ['Add', ['product', 'Transpose'], 'y'],
    ],
    ...{ aliased: 3, left: 0 },
  },
  'not where a row is normalized': {
    nodes: block(['Softmax', ['h'], 'a', { axis: { int: -1 } }]),
    ...{ aliased: 1, left: 1 },
  },
  'not where zeros are divided by, or have no slope': {
    nodes: block(
      ['Abs', ['h'], 'p'],
      ['Pow', ['p', 'half'], 'q'],
      ['Add', ['q', 'one'], 'r'],
      ['Div', ['q', 'r'], 'a'],
    ),
    ...{ aliased: 1, left: 1 },
  },
};

async function run(graph: Graph, feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> {
  const session = await Session.create(graph);
  const results = await session.run(feeds);
  await session.dispose();
  return results;
}

/** The graph's result and the gradients of ⟨g, y⟩ by all weights that it has. */
async function derivatives(graph: Graph, feeds: Record<string, Tensor>): Promise<Map<string, Tensor>> {
  const types = await inferTypes(graph);
  const b = new GraphBuilder(graph, types);
  b.input(input('g', ROWS, 6));
  const wanted = new Set(Object.keys(weights).filter(w => graph.initializers.has(w)));
  const cotangents = vjp(b, graph.nodes, types, new Map([['y', 'g']]), wanted, wanted);
  const results = await run(b.build(['y', ...cotangents.values()]), feeds);
  return new Map([['y', results.y], ...[...cotangents].map(([w, c]): [string, Tensor] => [w, results[c]])]);
}

async function aliased(graph: Graph): Promise<number> {
  const types = await inferTypes(graph);
  const isProduct = (opType: string): boolean => opType === 'MatMul' || opType === 'Gemm';
  return graph.nodes.filter(n => isProduct(n.opType) && types.get(n.inputs[0])!.shape.at(-1) === WIDTH)
    .length;
}

describe('hidden layers get wider', () => {
  for (const [title, { nodes, aliased: before, left }] of Object.entries(cases)) {
    test(title, async () => {
      const graph = makeGraph([input('x', ROWS, 8)], { ...weights, ...constants }, nodes);
      const wide = padWidths(graph, await inferTypes(graph));
      assert.deepEqual([await aliased(graph), await aliased(wide)], [before, left]);
      const feeds = { x: random('x', ROWS, 8), g: random('g', ROWS, 6) };
      const expected = await derivatives(graph, feeds);
      const found = await derivatives(wide, feeds);
      assert.deepEqual([...found.keys()], [...expected.keys()]);
      for (const [name, { shape, data }] of expected) {
        assert.deepEqual([...found.get(name)!.shape], [...shape], name);
        const scale = Math.sqrt((data as Float32Array).reduce((sum, e) => sum + e * e, 0) / data.length);
        // Sums of at most 1,024 terms in float32, in another order.
        (data as Float32Array).forEach((e, i) => {
          const difference = Math.abs(e - Number(found.get(name)!.data[i]));
          assert.ok(difference < 1e-5 * scale, `${name} ${i}: ${difference}`);
        });
      }
    });
  }

  test('not for a few rows, nor where the layer is a result', async () => {
    const nodes = block(['Relu', ['h'], 'a']);
    for (const rows of [ROWS - 1, ROWS]) {
      const made = makeGraph([input('x', rows, 8)], weights, nodes);
      const graph = rows < ROWS ? made : { ...made, outputs: ['a', 'y'] };
      assert.equal(padWidths(graph, await inferTypes(graph)), graph);
    }
  });
});
