import assert from 'node:assert/strict';
import test from 'node:test';
import { balancingScales } from '../../../src/engine/estimators/balance';
import { assertClose } from '../../support/assertions';

test('scales make all traces one size, but for those that are next to nothing', () => {
  const traces = [100, 4, 25, 0, -1, 0.01];
  const scales = balancingScales(traces);
  [1, 5, 2].forEach((scale, l) => assertClose(scales[l], scale, 1e-12));
  assert.ok(scales.slice(3).every(s => Math.abs(s - Math.sqrt(1000)) < 1e-9));
});

test('nothing is balanced by traces that tell nothing', () => {
  for (const traces of [[0, 0], [-1, -2], [NaN, 1], [Infinity, 1], []])
    assert.deepEqual(
      balancingScales(traces),
      traces.map(() => 1),
    );
});
