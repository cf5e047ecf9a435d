import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GraphBuilder } from '../../../src/engine/graph/builder';
import { float32Tensor } from '../../../src/engine/onnx/tensor';
import { innerAxes, mul, sumAll } from '../../../src/engine/ops/emit';
import { Session } from '../../../src/engine/runtime/session';
import { Rng } from '../../../src/engine/util/rng';
import { input, makeGraph } from '../../support/models';

test('a sum of many squares keeps the digits of float32', async () => {
  const shape = [4096, 2048];
  const graph = makeGraph([input('x', ...shape)], {}, [['Identity', ['x'], 'y']]);
  const b = new GraphBuilder(graph, new Map());
  const sum = sumAll(b, mul(b, 'y', 'y'), shape);
  const session = await Session.create(b.build([sum]));
  const data = Rng.of(0, 'x').normals(4096 * 2048);
  const result = await session.run({ x: float32Tensor(shape, data) });
  await session.dispose();
  const expected = data.reduce((total, v) => total + v * v, 0);
  const error = Math.abs(Number(result[sum].data[0]) / expected - 1);
  // Added up in one go, eight million squares lose 5e-4.
  assert.ok(error < 1e-6, `off by ${error}`);
});

test('sums go over the last axes first, as many as stay small', () => {
  assert.deepEqual(innerAxes([256, 256]), []);
  assert.deepEqual(innerAxes([257, 256]), [1]);
  assert.deepEqual(innerAxes([4, 64, 112, 112]), [2, 3]);
  assert.deepEqual(innerAxes([1 << 17]), [0]);
});
