import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Attribute, type Graph, swapsLast } from '../../../src/engine/graph/graph';
import { splitGraph } from '../../../src/engine/graph/split';
import { float32Tensor, type Tensor } from '../../../src/engine/onnx/tensor';
import { withKeptTransposes } from '../../../src/engine/runtime/keptTransposes';
import { Session } from '../../../src/engine/runtime/session';
import { inferTypes } from '../../../src/engine/runtime/types';
import { Rng } from '../../../src/engine/util/rng';
import { input, makeGraph } from '../../support/models';

/** AᵀB of what comes from an input that stays, `x`, and one that varies, `v`, [terms, …] both. */
const product = (terms: number, [a, b]: readonly [string, string], rows = 3, columns = 2): Graph =>
  makeGraph([input('x', terms, rows), input('v', terms, columns)], {}, [
    ['Tanh', ['x'], 'kept'],
    ['Sin', ['v'], 'varying'],
    ['Transpose', [a], 'turned', { perm: { ints: [1, 0] } }],
    ['MatMul', ['turned', b], 'y'],
  ]);

const drawn = ({ inputs }: Graph): Record<string, Tensor> =>
  Object.fromEntries(
    inputs.map(({ name, shape }) => {
      const sizes = shape as number[];
      return [name, float32Tensor(sizes, Rng.of(0, name).normals(sizes.reduce((p, q) => p * q)))];
    }),
  );

async function run(graph: Graph, feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> {
  const session = await Session.create(graph);
  const results = await session.run(feeds);
  await session.dispose();
  return results;
}

/** The graph in two, run one after the other; what they give is what the whole does. */
async function inTwo(graph: Graph): Promise<ReturnType<typeof splitGraph>> {
  const tangents = new Set(['v']);
  const rewritten = withKeptTransposes(graph, await inferTypes(graph), tangents);
  const split = splitGraph(rewritten, await inferTypes(rewritten), tangents);
  const feeds = drawn(graph);
  const [expected, kept] = [await run(graph, feeds), await run(split.fixed, feeds)];
  const found = await run(split.varying, { ...feeds, ...kept });
  // Sums of up to 3,072 products of numbers within ±1, in float32 in another order.
  const error = (expected.y.data as Float32Array).map((e, i) => Math.abs(e - Number(found.y.data[i])));
  assert.deepEqual(found.y.shape, expected.y.shape);
  assert.ok(Math.max(...error) < 1e-4, `${Math.max(...error)} off`);
  return split;
}

const keptShapes = ({ kept }: ReturnType<typeof splitGraph>): readonly (readonly unknown[])[] =>
  kept.map(k => k.shape);
const transposes = ({ varying }: ReturnType<typeof splitGraph>): number =>
  varying.nodes.filter(n => n.opType === 'Transpose').length;

test('a Relu’s slope is kept where it is small, and made again where it is large', async () => {
  const isKept = async (size: number): Promise<boolean> => {
    const graph = makeGraph([input('x', size), input('v', size)], {}, [
      ['Relu', ['x'], 'r'],
      ['Sign', ['r'], 'slope'],
      ['Mul', ['slope', 'v'], 'y'],
    ]);
    const { kept } = splitGraph(graph, await inferTypes(graph), new Set(['v']));
    return kept.some(k => k.name === 'slope');
  };
  assert.deepEqual([await isKept(1 << 17), await isKept((1 << 17) + 1)], [true, false]);
});

describe('a product with an operand that stays', () => {
  test('has its left one kept transposed', async () => {
    const split = await inTwo(product(700, ['kept', 'varying']));
    assert.deepEqual(keptShapes(split), [[3, 700]]);
    assert.equal(transposes(split), 0);
  });

  test('has it kept transposed as a Gemm, too, if that does nothing else', async () => {
    const gemm = (attributes: Record<string, Attribute>): Graph =>
      makeGraph([input('x', 700, 3), input('v', 700, 2)], {}, [
        ['Tanh', ['x'], 'kept'],
        ['Gemm', ['kept', 'v'], 'y', { transA: { int: 1 }, ...attributes }],
      ]);
    assert.deepEqual(keptShapes(await inTwo(gemm({}))), [[3, 700]]);
    assert.deepEqual(keptShapes(await inTwo(gemm({ alpha: { float: 2 } }))), [[700, 3]]);
  });

  test('is turned over where that is its right one', async () => {
    const split = await inTwo(product(1500, ['varying', 'kept']));
    assert.deepEqual(keptShapes(split), [[3, 1500]]);
    // Of the result.
    assert.equal(transposes(split), 1);
  });

  test('is not turned over where it has few terms', async () => {
    const split = await inTwo(product(700, ['varying', 'kept']));
    assert.deepEqual(keptShapes(split), [[700, 3]]);
    assert.equal(split.varying.nodes.filter(swapsLast).length, 1);
  });

  for (const [terms, parts] of [
    [1024, 2],
    [2048, 4],
    [3072, 2],
  ] as const) {
    test(`is a sum over ${parts} parts of ${terms} terms`, async () => {
      const left = await inTwo(product(terms, ['kept', 'varying']));
      assert.deepEqual(keptShapes(left), [[parts, 3, terms / parts]]);
      const right = await inTwo(product(terms, ['varying', 'kept']));
      assert.deepEqual(keptShapes(right), [[parts, 3, terms / parts]]);
    });
  }

  test('stays whole where the results of parts would take more memory than the operands', async () => {
    // 2 · rows · columns ≤ 1024 · (rows + columns) holds up to 1024 of each.
    const isWhole = async (size: number): Promise<boolean> => {
      const graph = product(1024, ['kept', 'varying'], size, size);
      const rewritten = withKeptTransposes(graph, await inferTypes(graph), new Set(['v']));
      return !rewritten.nodes.some(n => n.opType === 'ReduceSum');
    };
    assert.deepEqual([await isWhole(1024), await isWhole(1025)], [false, true]);
  });

  test('stays as it is where both operands vary, or none, or there are more axes', async () => {
    const graph = makeGraph([input('x', 700, 3), input('v', 2, 700, 3)], {}, [
      ['Transpose', ['x'], 'xt', { perm: { ints: [1, 0] } }],
      ['MatMul', ['xt', 'x'], 'still'],
      ['Transpose', ['v'], 'vt', { perm: { ints: [0, 2, 1] } }],
      ['MatMul', ['vt', 'v'], 'squares'],
      ['MatMul', ['vt', 'x'], 'more'],
      ['Sum', ['still', 'squares', 'more'], 'y'],
    ]);
    const rewritten = withKeptTransposes(graph, await inferTypes(graph), new Set(['v']));
    assert.deepEqual(rewritten.nodes, graph.nodes);
  });
});
