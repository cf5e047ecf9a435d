import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { formulaHolds, largestOfBatch } from '../../../src/engine/training/batchCurvature';
import { Rng } from '../../../src/engine/util/rng';
import { assertClose } from '../../support/assertions';

/** λ e₁e₁ᵀ and symmetric noise of variance σ²/b in each entry. */
function noisy(n: number, largest: number, variancePerEntry: number): Matrix {
  const random = Rng.of(2, 'wigner');
  const m = Matrix.zeros(n, n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const e = Math.sqrt(variancePerEntry) * random.normal();
      m.set(i, j, e);
      m.set(j, i, e);
    }
  }
  m.set(0, 0, m.get(0, 0) + largest);
  return m;
}

for (const [what, largest] of [
  ['above the edge of the noise', 3],
  ['within the noise', 0.2],
] as const) {
  test(`λmax of a matrix with independent noise, ${what}`, () => {
    // 1/b = 1/10 − 1/40, and noise of nσ²/b = 0.9.
    const [n, batchSize, samples, variance] = [200, 10, 40, 12];
    const perEntry = (variance / n) * (1 / batchSize - 1 / samples);
    const m = noisy(n, largest, perEntry);
    const values = new EigenvalueDecomposition(m, { assumeSymmetric: true }).realEigenvalues;
    // Finite matrices of this size are off by some n^(−2/3), 3 %.
    assertClose(largestOfBatch({ largest, variance, samples }, batchSize), Math.max(...values), 0.05);
  });
}

test('where the formula may hold it is within 4 % of the exact λmax of two levels, and beyond it need not be', () => {
  const largest = 1;
  let worst = 0;
  for (const next of [0, 0.3, 0.6, 0.9]) {
    for (const noise of [0.01, 0.04, 0.1, 0.19, 0.34, 0.49, 0.6, 1, 2, 5]) {
      // One batch size of the two that make 1/b = 1.
      const [batchSize, samples] = [0.5, 1];
      const [variance, along] = [noise ** 2, 0];
      const exact = (largest + next + Math.hypot(largest - next, 2 * noise)) / 2;
      const off = Math.abs(largestOfBatch({ largest, variance, samples }, batchSize) / exact - 1);
      const holds = formulaHolds({ largest, next, variance, along, samples }, batchSize);
      assert.equal(holds, noise < (largest - next) / 2);
      if (holds) assert.ok(off < 0.04, `next ${next}, noise ${noise}: ${off}`);
      else worst = Math.max(worst, off);
    }
  }
  assert.ok(worst > 0.3, `${worst}`);
  // Noise along the eigenvector counts as well: it may take λ below the next one.
  assert.ok(!formulaHolds({ largest, next: 0, variance: 0, along: 0.3, samples: 1 }, 0.5));
});
