import { EigenvalueDecomposition, Matrix } from 'ml-matrix';

/** An operator's matrix in a Lanczos basis: `alpha` on the diagonal, `beta` beside it. */
export interface Tridiagonal {
  readonly alpha: number[];
  /** One number less than `alpha`; more are not looked at. */
  readonly beta: number[];
}

/** An eigenvalue of a tridiagonal matrix with its unit eigenvector. */
export interface TridiagonalPair {
  readonly value: number;
  readonly vector: readonly number[];
}

export function tridiagonalPairs({ alpha, beta }: Tridiagonal): TridiagonalPair[] {
  const m = alpha.length;
  const matrix = Matrix.zeros(m, m);
  for (let i = 0; i < m; i++) {
    matrix.set(i, i, alpha[i]);
    if (i + 1 < m) {
      matrix.set(i, i + 1, beta[i]);
      matrix.set(i + 1, i, beta[i]);
    }
  }
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(matrix, {
    assumeSymmetric: true,
  });
  return realEigenvalues.map((value, i) => ({
    value,
    vector: eigenvectorMatrix.getColumn(i),
  }));
}
