import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { float32Tensor, int64Tensor, type Tensor } from '../../../src/engine/onnx/tensor';
import { prepare } from '../../../src/engine/runtime/prepare';
import { Session } from '../../../src/engine/runtime/session';
import { inferTypes } from '../../../src/engine/runtime/types';
import { input, makeGraph } from '../../support/models';

const INT32 = { to: { int: 6 } };
const INT64 = { to: { int: 7 } };
const int32 = (...values: number[]): Tensor => ({
  elemType: 'int32',
  shape: [values.length],
  data: Int32Array.from(values),
});

/** The target of a Reshape through casts that shape inference does not look behind, as Paddle's exporter writes it. */
const hidden = makeGraph(
  [input('x', 'N', 6)],
  {
    w: float32Tensor([3, 2], [1, 2, 3, 4, 5, 6]),
    rest: int32(2, 3),
    from: int64Tensor([0]),
    to32: int32(1),
  },
  [
    ['Shape', ['x'], 's'],
    ['Cast', ['s'], 's32', INT32],
    ['Cast', ['to32'], 'to', INT64],
    ['Slice', ['s32', 'from', 'to'], 'n'],
    ['Concat', ['n', 'rest'], 'target32', { axis: { int: 0 } }],
    ['Cast', ['target32'], 'target', INT64],
    ['Reshape', ['x', 'target'], 'r'],
    ['MatMul', ['r', 'w'], 'y'],
  ],
);
const x = float32Tensor([4, 6], new Float32Array(24).fill(1));

describe('types', () => {
  test('of values whose rank ONNX Runtime does not know are found by a run, not taken for scalars', async () => {
    const bound = { ...hidden, inputs: [input('x', 4, 6)] };
    const types = await inferTypes(bound, { x });
    assert.deepEqual(types.get('r')?.shape, [4, 2, 3]);
    assert.deepEqual(types.get('y')?.shape, [4, 2, 2]);
  });

  test('of scalars are known without a run', async () => {
    const graph = makeGraph([input('x', 4, 6)], {}, [['ReduceSum', ['x'], 'y', { keepdims: { int: 0 } }]]);
    assert.deepEqual((await inferTypes(graph)).get('y'), { elemType: 'float32', shape: [] });
  });
});

describe('prepare', () => {
  test('folds shape arithmetic into constants and keeps parameters', async () => {
    const { graph } = await prepare(hidden, new Map([['x', [4, 6]]]), new Set(['w']), { x });
    assert.deepEqual(
      graph.nodes.map(n => n.opType),
      ['Reshape', 'MatMul'],
    );
    assert.deepEqual([...(graph.initializers.get('target')!.data as BigInt64Array)], [4n, 2n, 3n]);
    assert.ok(graph.initializers.has('w'));
  });

  test('leaves the function as it is', async () => {
    const { graph } = await prepare(hidden, new Map([['x', [4, 6]]]), new Set(['w']), { x });
    const session = await Session.create(graph);
    const { y } = await session.run({ x });
    await session.dispose();
    assert.deepEqual([...(y.data as Float32Array).subarray(0, 4)], [9, 12, 9, 12]);
  });
});

test('a feed of the wrong type never reaches ONNX Runtime', async () => {
  const session = await Session.create(makeGraph([input('x', 2)], {}, [['Neg', ['x'], 'y']]));
  await assert.rejects(session.run({ x: int64Tensor([1, 2]) }), /wants float32 \[2\], got int64 \[2\]/);
  await assert.rejects(
    session.run({ x: float32Tensor([3], [1, 2, 3]) }),
    /wants float32 \[2\], got float32 \[3\]/,
  );
  await assert.rejects(session.run({}), /"x" is not fed/);
  await session.dispose();
});
