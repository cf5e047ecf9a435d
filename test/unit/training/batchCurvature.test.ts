import { test } from 'node:test';
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { largestOfBatch } from '../../../src/engine/training/batchCurvature';
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
