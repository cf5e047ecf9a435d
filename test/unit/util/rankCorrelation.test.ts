import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bootstrapInterval, ranks, spearman } from '../../../src/engine/util/rankCorrelation';
import { Rng } from '../../../src/engine/util/rng';

// scipy.stats.rankdata and spearmanr
const a = [3.1, 1.2, 5.5, 5.5, 0.3, 9.9, 2.2, 2.2, 2.2];
const b = [2.0, 1.0, 7.0, 3.0, -1.0, 3.0, 4.0, 0.5, 3.0];
const x = [
  ...[0.13, -0.13, 0.64, 0.1, -0.54, 0.36, 1.3, 0.95, -0.7, -1.27, -0.62, 0.04, -2.33, -0.22, -1.25, -0.73],
  ...[-0.54, -0.32, 0.41, 1.04, -0.13, 1.37, -0.67, 0.35, 0.9, 0.09, -0.74, -0.92, -0.46, 0.22, -1.01, -0.21],
  ...[-0.16, 0.54, 0.21, 0.36, -0.65, -0.13, 0.78, 1.49],
];
const y = [
  ...[
    -1.1, 1.4, 2.0, 0.9, -0.3, 0.0, 2.8, 2.9, 1.1, 0.0, -0.3, -1.2, -2.3, 0.4, -2.5, -0.3, -0.1, 0.4, -0.8,
    0.4,
  ],
  ...[
    -0.6, 0.2, 1.1, -0.1, 1.2, -0.2, 0.8, 0.4, 0.2, -2.0, -1.0, 0.5, 0.8, -0.1, 2.0, -1.0, -1.3, 0.8, 0.8,
    3.5,
  ],
];

test('equal values share the mean of their ranks', () => {
  assert.deepEqual(ranks(a), [6, 2, 7.5, 7.5, 1, 9, 4, 4, 4]);
  assert.deepEqual(ranks([]), []);
});

test("Spearman's ρ with ties is scipy's", () => {
  assert.ok(Math.abs(spearman(a, b) - 0.6320405543703788) < 1e-14);
  assert.ok(Math.abs(spearman(x, y) - 0.37441879672152145) < 1e-14);
  assert.ok(Number.isNaN(spearman([1, 1, 1], [1, 2, 3])), 'no ranks to correlate');
});

test('intervals from redraws hold the mean of normals in 95 % of runs', () => {
  // Percentile intervals of 50 numbers cover a little less than they say; 400 runs give ± 1.1 %.
  let held = 0;
  for (let run = 0; run < 400; run++) {
    const values = Rng.of(run, 'bootstrap test').normals(50);
    const mean = (drawn: readonly number[]): number =>
      drawn.reduce((sum, i) => sum + values[i], 0) / drawn.length;
    const { low, high } = bootstrapInterval(50, mean, { seed: run })!;
    held += Number(low <= 0 && 0 <= high);
  }
  assert.ok(held / 400 > 0.91 && held / 400 < 0.98, `${held / 400}`);
});

test('no interval where most redraws tell nothing', () => {
  assert.equal(
    bootstrapInterval(1, () => NaN, { seed: 0 }),
    undefined,
  );
});
