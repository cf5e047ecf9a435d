import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { type LinearOperator } from '../../src/engine/curvature/linearOperator';
import { Rng } from '../../src/engine/util/rng';

/** A symmetric matrix as an operator, with what is known of it by other means. */
export interface DenseOperator extends LinearOperator {
  readonly matrix: Matrix;
  readonly trace: number;
  /** By ml-matrix, falling. */
  readonly eigenvalues: readonly number[];
  /** How often it was applied. */
  applied: number;
}

export function denseOperator(matrix: Matrix): DenseOperator {
  const operator: DenseOperator = {
    size: matrix.rows,
    matrix,
    trace: matrix.trace(),
    eigenvalues: new EigenvalueDecomposition(matrix, { assumeSymmetric: true }).realEigenvalues.sort(
      (a, b) => b - a,
    ),
    applied: 0,
    apply(v) {
      operator.applied += 1;
      return Promise.resolve(Float64Array.from(matrix.mmul(Matrix.columnVector(Array.from(v))).to1DArray()));
    },
  };
  return operator;
}

/** QΛQᵀ with a random orthogonal Q. */
export function matrixWithSpectrum(eigenvalues: readonly number[], seed: number): Matrix {
  const n = eigenvalues.length;
  const random = Rng.of(seed, 'matrix');
  const q = new EigenvalueDecomposition(
    symmetric(n, () => random.normal()),
    { assumeSymmetric: true },
  ).eigenvectorMatrix;
  const product = q.mmul(Matrix.diag([...eigenvalues])).mmul(q.transpose());
  return product.add(product.transpose()).mul(0.5);
}

/** A symmetric matrix of independent normal entries, whose trace is as noisy to estimate as its diagonal is small. */
export function normalMatrix(n: number, seed: number): Matrix {
  const random = Rng.of(seed, 'normal matrix');
  return symmetric(n, () => random.normal());
}

function symmetric(n: number, draw: () => number): Matrix {
  const matrix = Matrix.zeros(n, n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const value = draw();
      matrix.set(i, j, value);
      matrix.set(j, i, value);
    }
  }
  return matrix;
}
