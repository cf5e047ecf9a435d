import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunningMoments } from '../../../src/engine/util/statistics';
import { axpy, dot, norm, scale } from '../../../src/engine/util/vector';
import { assertClose } from '../../support/assertions';

test('products of float32 vectors are summed in float64', () => {
  const ones = new Float32Array(3).fill(1);
  assert.equal(dot(Float32Array.of(2 ** 24, 1, -(2 ** 24)), ones), 1);
  assert.equal(norm(Float32Array.of(3, 4)), 5);
});

test('axpy and scale change their last argument', () => {
  const y = Float64Array.of(1, 2);
  axpy(2, Float32Array.of(10, -1), y);
  assert.deepEqual([...y], [21, 0]);
  scale(-0.5, y);
  assert.deepEqual([...y], [-10.5, -0]);
});

test('running moments do not cancel beside a large mean', () => {
  const moments = new RunningMoments();
  for (const x of [4, 7, 13, 16]) moments.add(1e9 + x);
  assert.equal(moments.count, 4);
  assert.equal(moments.mean, 1e9 + 10);
  assertClose(moments.variance, 30, 1e-12);
  assertClose(moments.stderr, Math.sqrt(7.5), 1e-12);
});

test('one value has no variance', () => {
  const moments = new RunningMoments();
  moments.add(3);
  assert.ok(Number.isNaN(moments.variance) && Number.isNaN(moments.stderr));
});
