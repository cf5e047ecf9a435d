import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agreement } from '../../../src/engine/sensitivity/agreement';
import { expansion } from '../../../src/engine/sensitivity/expansion';
import { measured, pairedDifference } from '../../../src/engine/sensitivity/sampleMean';
import { sqnr } from '../../../src/engine/sensitivity/sqnr';

test('SQNR is 20 dB where the error is a tenth of the weights', () => {
  assert.ok(Math.abs(sqnr(Float64Array.of(3, 4), 0.25) - 20) < 1e-12);
  assert.equal(sqnr(Float64Array.of(1), 0), Infinity);
});

test('a sum of shares has the standard error of a mean', () => {
  // Losses 1, 2, 3, 6 of four samples: mean 3, sd √(14/3), stderr √(14/3)/2.
  const found = measured(Float64Array.of(1 / 4, 2 / 4, 3 / 4, 6 / 4));
  assert.ok(Math.abs(found.value - 3) < 1e-15);
  assert.ok(Math.abs(found.stderr! - Math.sqrt(14 / 3) / 2) < 1e-15);
  assert.deepEqual(measured(Float64Array.of(5)), { value: 5 });
});

test('what two models have in common is no noise of their difference', () => {
  const hard = Float64Array.of(0, 10, 0, 20);
  assert.deepEqual(
    pairedDifference(
      hard.map(loss => loss + 0.5),
      hard,
    ),
    { value: 2, stderr: 0 },
  );
});

test('the expansion takes half of the curvature', () => {
  assert.deepEqual(expansion(Float64Array.of(1, 1), Float64Array.of(4, 4)), { value: 6, stderr: 0 });
});

test('agreement tells pooled ranks from those among layers of equal width', () => {
  const layers = [0, 1, 2, 3, 4, 5];
  // Widths differ by a factor of 100; among layers the second metric has the order reversed.
  const first = layers.map(l => [100 + l, 1 + l / 100]);
  const second = layers.map(l => [100 - l, 1 - l / 100]);
  const found = agreement(first, second, [2, 8], 0);
  assert.equal(found.acrossLayers, -1);
  assert.deepEqual(found.byWidth, { 2: -1, 8: -1 });
  assert.ok(found.all! > 0.4 && found.all! < 0.6, `${found.all}`);
  assert.deepEqual(found.acrossLayersInterval, { low: -1, high: -1 });
  assert.equal(found.count, 12);
});

test('agreement leaves out what was not measured, and may count some widths alone', () => {
  const first = [
    [1, 3],
    [2, 2],
    [3, undefined],
    [4, 1],
  ];
  const second = [
    [1, 1],
    [2, 2],
    [3, 5],
    [4, 3],
  ];
  const found = agreement(first, second, [2, 4], 0, [2]);
  assert.deepEqual(found.byWidth, { 2: 1, 4: -1 });
  assert.equal(found.acrossLayers, 1);
  assert.equal(found.count, 7);
  assert.equal(agreement([[1]], [[1]], [2], 0).all, null);
});
