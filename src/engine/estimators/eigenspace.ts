import { Matrix, SingularValueDecomposition } from 'ml-matrix';
import type { LinearOperator } from '../curvature/linearOperator';
import { cancelled } from '../errors';
import { Rng } from '../util/rng';
import { dot, norm, scale, type Vector } from '../util/vector';
import { LanczosProcess } from './lanczosProcess';
import type { RitzValue } from './result';

/** Eigenvectors, orthonormal, with their eigenvalues. */
export interface Eigenspace {
  readonly values: readonly RitzValue[];
  readonly vectors: readonly Vector[];
}

export interface EigenspaceOptions {
  /** Fewer are found where the start vector's Krylov space has fewer. */
  readonly count: number;
  readonly seed: number;
  /** Largest relative residual; 1e-3 by default, which is about the sine of a vector's error where the next eigenvalue is far. */
  readonly tolerance?: number;
  /** 10·count + 50 by default. */
  readonly maxSteps?: number;
  /** Told the values so far after each product. */
  readonly onStep?: (values: readonly RitzValue[]) => void;
  readonly signal?: AbortSignal;
}

/** The eigenvectors of the largest eigenvalues, by Lanczos with full reorthogonalisation. Holds the basis. */
export async function topEigenspace(
  operator: LinearOperator,
  { count, seed, tolerance = 1e-3, maxSteps = 10 * count + 50, onStep, signal }: EigenspaceOptions,
): Promise<Eigenspace> {
  const random = Rng.of(seed, 'eigenspace');
  const start = random.fillNormal(new Float64Array(operator.size));
  scale(1 / norm(start), start);
  const lanczos = new LanczosProcess(operator, start);
  for (;;) {
    if (signal?.aborted) throw cancelled();
    const { isInvariant } = await lanczos.step();
    const pairs = lanczos
      .ritzPairs(tolerance)
      .sort((a, b) => b.value - a.value)
      .slice(0, count);
    const values = pairs.map(({ value, residual, converged }) => ({ value, residual, converged }));
    onStep?.(values);
    const isFound = pairs.length === count && pairs.every(p => p.converged);
    if (isFound || isInvariant || lanczos.steps >= maxSteps) {
      const vectors: Vector[] = [];
      for (const { vector } of pairs) vectors.push(await lanczos.combine(vector));
      return { values, vectors };
    }
  }
}

/** The angles between two spaces, rising, in radians: arccos of the singular values of UᵀV (Björck & Golub, Math. Comp. 27, 1973). */
export function principalAngles(u: readonly Vector[], v: readonly Vector[]): number[] {
  const products = new Matrix(u.map(a => v.map(b => dot(a, b))));
  const singular = new SingularValueDecomposition(products, { autoTranspose: true }).diagonal;
  return singular
    .slice(0, Math.min(u.length, v.length))
    .map(s => Math.acos(Math.min(1, s)))
    .sort((a, b) => a - b);
}

/** The cosine of the angle between two vectors; 0 where one of them is zero. */
export function cosine(a: Vector, b: Vector): number {
  const lengths = norm(a) * norm(b);
  return lengths === 0 ? 0 : dot(a, b) / lengths;
}
