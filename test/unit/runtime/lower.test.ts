import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Attribute, type Graph, intsAttribute } from '../../../src/engine/graph/graph';
import { float32Tensor, int64Tensor, type Tensor } from '../../../src/engine/onnx/tensor';
import { BLOCKED_DOMAIN, blockSize } from '../../../src/engine/runtime/blockedConv';
import { lower } from '../../../src/engine/runtime/lower';
import { Session } from '../../../src/engine/runtime/session';
import { inferTypes } from '../../../src/engine/runtime/types';
import { Rng } from '../../../src/engine/util/rng';
import { input, makeGraph, type NodeSpec } from '../../support/models';

const PADS = { pads: { ints: [1, 1, 1, 1] } };
const far = Number.MIN_SAFE_INTEGER;

/** A Conv with fed weights, as tangents are; or with the flipped ones, as input gradients have them. */
const convolution = (x: number[], w: number[], flips: boolean): Graph =>
  makeGraph(
    [input('x', ...x), input('w', ...w)],
    { back: int64Tensor([-1, -1]), far: int64Tensor([far, far]), axes: int64Tensor([2, 3]) },
    flips
      ? [
          ['Slice', ['w', 'back', 'far', 'axes', 'back'], 'reversed'],
          ['Transpose', ['reversed'], 'flipped', { perm: { ints: [1, 0, 2, 3] } }],
          ['Conv', ['x', 'flipped'], 'y', PADS],
        ]
      : [['Conv', ['x', 'w'], 'y', PADS]],
  );

async function run(graph: Graph, feeds: Record<string, Tensor>): Promise<Float32Array> {
  const session = await Session.create(graph);
  const { y } = await session.run(feeds);
  await session.dispose();
  return y.data as Float32Array;
}

describe('a graph for the CPU', () => {
  for (const [title, x, w, flips] of [
    ['fed weights', [2, 32, 24, 24], [48, 32, 3, 3], false],
    ['flipped weights', [2, 48, 24, 24], [48, 32, 3, 3], true],
    ['flipped weights over few positions', [4, 48, 7, 7], [48, 32, 3, 3], true],
    ['flipped weights without whole blocks', [2, 20, 24, 24], [20, 12, 3, 3], true],
  ] as const) {
    test(`computes a Conv with ${title} as the graph does`, async () => {
      const graph = convolution([...x], [...w], flips);
      const random = (name: string, shape: readonly number[]): Tensor => {
        const size = shape.reduce((a, b) => a * b);
        return float32Tensor([...shape], Rng.of(0, name).normals(size));
      };
      const feeds = { x: random('x', x), w: random('w', w) };
      const types = await inferTypes(graph);
      const lowered = await lower(graph, types);
      assert.ok(!lowered.nodes.some(n => n.opType === 'Slice'), 'no reversing Slice is left');
      const [expected, found] = [await run(graph, feeds), await run(lowered, feeds)];
      // Sums of 432 products of normal numbers, in float32 in another order.
      expected.forEach((e, i) => assert.ok(Math.abs(e - found[i]) < 1e-4, `${i}: ${found[i]}, not ${e}`));
    });
  }

  test(
    'runs in blocks where the processor has them',
    { skip: process.arch !== 'x64' && 'another processor' },
    async () => {
      assert.ok((await blockSize()) > 0);
      const graph = convolution([2, 32, 24, 24], [48, 32, 3, 3], false);
      const lowered = await lower(graph, await inferTypes(graph));
      assert.ok(lowered.nodes.some(n => n.domain === BLOCKED_DOMAIN));
    },
  );

  const drawn = (shapes: Readonly<Record<string, readonly number[]>>): Record<string, Tensor> =>
    Object.fromEntries(
      Object.entries(shapes).map(([name, shape]) => {
        const size = shape.reduce((a, b) => a * b);
        return [name, float32Tensor([...shape], Rng.of(0, name).normals(size))];
      }),
    );
  const inputsOf = (feeds: Readonly<Record<string, Tensor>>) =>
    Object.entries(feeds).map(([name, { shape }]) => input(name, ...shape));
  const count = (graph: Graph, opType: string): number => graph.nodes.filter(n => n.opType === opType).length;
  /** What the lowered graph computes is what the graph does. */
  const assertSame = async (graph: Graph, feeds: Record<string, Tensor>): Promise<Graph> => {
    const lowered = await lower(graph, await inferTypes(graph));
    const [expected, found] = [await run(graph, feeds), await run(lowered, feeds)];
    expected.forEach((e, i) => assert.ok(Math.abs(e - found[i]) < 1e-5, `${i}: ${found[i]}, not ${e}`));
    return lowered;
  };

  test('broadcasts in place of Expand where the other operand is as large as the result', async () => {
    const feeds = drawn({ x: [3, 4, 5], mean: [3, 4, 1], row: [1, 4, 1] });
    const graph = makeGraph(
      inputsOf(feeds),
      { whole: int64Tensor([3, 4, 5]), part: int64Tensor([3, 4, 1]) },
      [
        ['Expand', ['mean', 'whole'], 'spread'],
        ['Sub', ['spread', 'x'], 'a'],
        ['Expand', ['row', 'part'], 'rows'],
        // Neither operand has the result's shape but by its Expand.
        ['Expand', ['rows', 'whole'], 'all'],
        ['Mul', ['all', 'mean'], 'b'],
        ['Add', ['a', 'b'], 'y'],
      ],
    );
    const lowered = await assertSame(graph, feeds);
    assert.equal(count(lowered, 'Expand'), 2);
  });

  test('makes windows of all samples in a row with the samples as an axis, but not where pads are left to the operator', async () => {
    const feeds = drawn({ x: [3, 4, 6, 5] });
    const windows = (attributes: Record<string, Attribute>): Graph =>
      makeGraph(
        inputsOf(feeds),
        {
          w: float32Tensor([8, 1, 2, 3], Rng.of(0, 'w').normals(48)),
          apart: int64Tensor([3, 8, -1]),
          back: int64Tensor([8, -1]),
        },
        [
          ['Conv', ['x', 'w'], 'c', { group: { int: 4 }, ...attributes }],
          ['Reshape', ['c', 'apart'], 'r'],
          ['Transpose', ['r'], 't', { perm: { ints: [1, 0, 2] } }],
          // A node without operands.
          ['Constant', [], 'one', { value_float: { float: 1 } }],
          ['Reshape', ['t', 'back'], 's'],
          ['Mul', ['s', 'one'], 'y'],
        ],
      );
    const rankOf = async (attributes: Record<string, Attribute>): Promise<number | undefined> => {
      const lowered = await assertSame(windows(attributes), feeds);
      return intsAttribute(
        lowered.nodes.find(n => n.opType === 'Conv')!,
        'kernel_shape',
      )?.length;
    };
    const kernel = { kernel_shape: { ints: [2, 3] } };
    assert.equal(await rankOf({ ...kernel, strides: { ints: [2, 1] }, pads: { ints: [1, 0, 0, 2] } }), 3);
    assert.equal(await rankOf({ ...kernel, auto_pad: { string: 'SAME_UPPER' } }), 2);
  });

  test('turns products over in place of transposing their sum', async () => {
    const feeds = drawn({ a: [6, 3], b: [6, 4], c: [6, 3], d: [6, 4], bias: [3, 1] });
    const product = (x: string, y: string, z: string): NodeSpec[] => [
      ['Transpose', [x], `${x}t`, { perm: { ints: [1, 0] } }],
      ['MatMul', [`${x}t`, y], z],
    ];
    const graph = makeGraph(inputsOf(feeds), {}, [
      ...product('a', 'b', 'ab'),
      ...product('c', 'd', 'cd'),
      ['Add', ['ab', 'cd'], 'sum'],
      ['Transpose', ['sum'], 'y', { perm: { ints: [1, 0] } }],
    ]);
    const lowered = await assertSame(graph, feeds);
    assert.deepEqual(lowered.outputs, ['y']);
    const made = lowered.nodes.find(n => n.outputs[0] === 'y');
    assert.equal(made?.opType, 'Add');
    assert.equal(count(lowered, 'Transpose'), 0);
  });

  test('leaves transposed what others read, what is broadcast, and what stays where it is', async () => {
    const feeds = drawn({ a: [6, 3], b: [6, 4], bias: [3, 1] });
    const graph = makeGraph(inputsOf(feeds), {}, [
      ['Transpose', ['a'], 'at', { perm: { ints: [1, 0] } }],
      ['Transpose', ['b'], 'bt', { perm: { ints: [1, 0] } }],
      ['MatMul', ['at', 'b'], 'ab'],
      ['Transpose', ['ab'], 'first', { perm: { ints: [1, 0] } }],
      ['Add', ['ab', 'bias'], 'sum'],
      ['Transpose', ['sum'], 'second', { perm: { ints: [1, 0] } }],
      ['Mul', ['first', 'second'], 'third'],
      ['MatMul', ['bt', 'a'], 'ba'],
      ['Transpose', ['ba'], 'still', { perm: { ints: [0, 1] } }],
      ['Mul', ['third', 'still'], 'y'],
    ]);
    // Of the products' operands none is left.
    assert.equal(count(await assertSame(graph, feeds), 'Transpose'), 3);
  });

  test('reads operands of products where they lie, but for constants, vectors and what else is moved', async () => {
    const feeds = drawn({ a: [2, 5, 3], b: [2, 4, 5], c: [3, 2, 4], v: [5] });
    const swapped = { perm: { ints: [0, 2, 1] } };
    const graph = makeGraph(inputsOf(feeds), { w: drawn({ w: [4, 3] }).w }, [
      ['Transpose', ['a'], 'at', swapped],
      ['Transpose', ['b'], 'bt', swapped],
      ['MatMul', ['at', 'bt'], 'ab'],
      ['Transpose', ['w'], 'wt', { perm: { ints: [1, 0] } }],
      ['MatMul', ['ab', 'w'], 'abw'],
      ['MatMul', ['bt', 'w'], 'bw'],
      ['MatMul', ['at', 'bw'], 'first'],
      ['Transpose', ['c'], 'ct', { perm: { ints: [1, 0, 2] } }],
      ['MatMul', ['ct', 'w'], 'second'],
      ['MatMul', ['at', 'v'], 'third'],
      ['Unsqueeze', ['third', 'last'], 'column'],
      ['MatMul', ['abw', 'wt'], 'wide'],
      ['MatMul', ['wide', 'w'], 'fourth'],
      ['Sum', ['abw', 'first', 'second', 'column', 'fourth'], 'y'],
    ]);
    const lowered = await assertSame(
      { ...graph, initializers: new Map(graph.initializers).set('last', int64Tensor([2])) },
      feeds,
    );
    assert.equal(count(lowered, 'FusedMatMul'), 3);
    // Of the constant, of the other axes, and for the vector.
    assert.equal(count(lowered, 'Transpose'), 3);
  });

  test('reads operands where they lie under broadcasting, and leaves products of integers', async () => {
    const feeds = {
      ...drawn({ a: [5, 3], b: [2, 5, 4], c: [2, 1, 4, 5], d: [3, 4, 5] }),
      m: int64Tensor([1, 0, 2, 1, 1, 0], [2, 3]),
    };
    const turned = (value: string, ...perm: number[]): NodeSpec => [
      'Transpose',
      [value],
      `${value}t`,
      { perm: { ints: perm } },
    ];
    const graph = makeGraph(
      [...inputsOf(feeds).slice(0, 4), { name: 'm', elemType: 'int64', shape: [2, 3] }],
      { axes: int64Tensor([0, 1]) },
      [
        turned('a', 1, 0),
        turned('b', 0, 2, 1),
        turned('c', 0, 1, 3, 2),
        turned('d', 0, 2, 1),
        ['MatMul', ['at', 'b'], 'first'],
        ['MatMul', ['bt', 'a'], 'second'],
        ['Transpose', ['second'], 'turned', { perm: { ints: [0, 2, 1] } }],
        ['MatMul', ['ct', 'd'], 'wide'],
        ['ReduceSum', ['wide', 'axes'], 'narrow', { keepdims: { int: 0 } }],
        ['MatMul', ['a', 'at'], 'square'],
        turned('m', 1, 0),
        ['MatMul', ['mt', 'm'], 'counts'],
        ['Cast', ['counts'], 'weights', { to: { int: 1 } }],
        ['MatMul', ['weights', 'first'], 'fourth'],
        ['ReduceMean', ['narrow'], 'mean', { keepdims: { int: 0 } }],
        ['ReduceMean', ['square'], 'other', { keepdims: { int: 0 } }],
        ['Sum', ['first', 'turned', 'fourth', 'mean', 'other'], 'y'],
      ],
    );
    const lowered = await assertSame(graph, feeds);
    assert.equal(count(lowered, 'FusedMatMul'), 4);
    assert.ok(lowered.nodes.some(n => n.opType === 'MatMul' && n.inputs[1] === 'm'));
  });

  test('leaves out what is transposed twice', async () => {
    const feeds = drawn({ a: [5, 3], b: [5, 4] });
    const swapped = { perm: { ints: [1, 0] } };
    const graph = makeGraph(inputsOf(feeds), {}, [
      ['Transpose', ['a'], 'at', swapped],
      ['Transpose', ['at'], 'again', swapped],
      ['Transpose', ['again'], 'att', swapped],
      ['MatMul', ['att', 'b'], 'first'],
      ['Transpose', ['b'], 'bt', swapped],
      ['MatMul', ['bt', 'again'], 'second'],
      ['Transpose', ['bt'], 'back', swapped],
      ['MatMul', ['at', 'back'], 'third'],
      ['Transpose', ['second'], 'turned', swapped],
      ['Sum', ['first', 'turned', 'third'], 'y'],
    ]);
    const lowered = await assertSame(graph, feeds);
    assert.equal(count(lowered, 'Transpose'), 0);
  });

  test('adds the terms of a Sum in pairs, under broadcasting too', async () => {
    const feeds = drawn({ a: [2, 3], b: [3], c: [2, 1] });
    const graph = makeGraph(inputsOf(feeds), {}, [
      ['Sum', ['a'], 'one'],
      ['Sum', ['b', 'one', 'c', 'a'], 'y'],
    ]);
    const lowered = await assertSame(graph, feeds);
    assert.equal(count(lowered, 'Sum'), 1, 'of a single term');
    assert.equal(count(lowered, 'Add'), 3);
  });

  test('adds up leading axes by products, where there is anything to add up', async () => {
    const feeds = drawn({ x: [4, 5, 3], few: [1, 1, 3] });
    const axes = {
      first: int64Tensor([0]),
      both: int64Tensor([1, 0]),
      last: int64Tensor([2]),
      all: int64Tensor([0, 1, 2]),
    };
    const sum = (value: string, over: string, y: string, keepdims = 0): NodeSpec => [
      'ReduceSum',
      [value, over],
      y,
      { keepdims: { int: keepdims } },
    ];
    const graph = makeGraph(inputsOf(feeds), axes, [
      sum('x', 'both', 'a'),
      // Named as what is made on the way may be.
      ['Neg', ['few'], 'Reshape'],
      ['Neg', ['Reshape'], 'MatMul'],
      sum('x', 'both', 'kept', 1),
      sum('few', 'both', 'b'),
      sum('x', 'first', 'c'),
      sum('x', 'last', 'd', 1),
      sum('x', 'all', 'e'),
      ['Add', ['x', 'd'], 'f'],
      ['Sum', ['a', 'kept', 'b', 'c', 'e', 'f', 'MatMul'], 'y'],
    ]);
    const lowered = await assertSame(graph, feeds);
    assert.equal(count(lowered, 'MatMul'), 2, 'one product for both forms of the same sum');
    assert.equal(count(lowered, 'ReduceSum'), 3);
  });

  test('puts what gives a result last, the first of it at the very end', async () => {
    const feeds = drawn({ x: [3, 3] });
    const graph = makeGraph(inputsOf(feeds), { shape: int64Tensor([9]) }, [
      ['Exp', ['x'], 'a'],
      ['Neg', ['a'], 'early'],
      ['Reshape', ['early', 'shape'], 'flat'],
      ['Tanh', ['a'], 'b'],
      ['Identity', ['flat'], 'first'],
      ['Sin', ['b'], 'late'],
      ['Identity', ['late'], 'second'],
      ['Cos', ['b'], 'y'],
    ]);
    const outputs = ['first', 'second', 'y'];
    const lowered = await lower({ ...graph, outputs }, await inferTypes(graph));
    assert.deepEqual(
      lowered.nodes.map(n => n.outputs[0]),
      ['a', 'b', 'y', 'late', 'early', 'first', 'second'],
    );
  });
});
