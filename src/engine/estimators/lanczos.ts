import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { type LinearOperator } from '../curvature/linearOperator';
import { cancelled, CurvatureError } from '../errors';
import { Rng } from '../util/rng';
import { axpy, dot, norm, scale, type Vector } from '../util/vector';

/** Which end of the spectrum: largest algebraic, smallest algebraic, or largest magnitude. */
export type Which = 'LA' | 'SA' | 'LM';

export interface RitzValue {
  readonly value: number;
  /** ‖Av − θv‖ / |θ| of the Ritz pair, from |β_m y_m|. */
  readonly residual: number;
  readonly converged: boolean;
}

export interface LanczosProgress {
  /** Products with the operator so far. */
  readonly steps: number;
  readonly maxSteps: number;
  /** The wanted Ritz values, most wanted first; fewer than `count` in the first steps. */
  readonly eigenvalues: readonly RitzValue[];
  /** Whether all of the wanted ones have converged. */
  readonly converged: boolean;
}

export interface LanczosOptions {
  /** How many eigenvalues; at most the operator's size are found. */
  readonly count: number;
  readonly seed: number;
  /** `LA` by default. */
  readonly which?: Which;
  /** Largest relative residual of a converged pair; 1e-4 by default. */
  readonly tolerance?: number;
  /** min(size, max(2·count + 20, 100)) by default. */
  readonly maxSteps?: number;
  readonly signal?: AbortSignal;
}

/**
 * Above this size the basis is kept in float32: half the memory, and the operator's own products are float32
 * anyway.
 */
const FLOAT64_BASIS_LIMIT = 1 << 20;

/** Steps that well separated eigenvalues take; hard ones take up to `maxSteps`. */
export const usualSteps = (count: number): number => 2 * count + 20;

/** What a search of so many steps holds beside the operator: the basis, and the vectors of one product. */
export const basisBytes = (size: number, steps: number): number =>
  size * (Math.min(steps, size) * (size > FLOAT64_BASIS_LIMIT ? 4 : 8) + 2 * 8);

/** The steps to go at most, so that the basis stays within so many bytes where it is longer than usual. */
export const stepsWithin = (bytes: number, size: number, count: number): number =>
  Math.max(usualSteps(count), Math.min(100, Math.floor(bytes / basisBytes(size, 1))));

/** A remainder this small beside the operator's norm is rounding: the subspace found is invariant. */
const BREAKDOWN = 1e-12;

/**
 * Extreme eigenvalues by Lanczos with full reorthogonalisation.
 *
 * Lanczos, J. Res. Natl. Bur. Stand. 45 (1950); orthogonalising twice is enough (Parlett, "The Symmetric
 * Eigenvalue Problem", §6.9). Cost: one product per step, and the basis: steps × size numbers of 8 bytes (4
 * above a million rows). Yields after each step.
 *
 * When the subspace becomes invariant, the process goes on with a fresh vector orthogonal to it, and an
 * operator no larger than `maxSteps` is taken whole, so that repeated eigenvalues are found in full. Copies of
 * a repeated eigenvalue of a larger operator may be missed when the wanted ones converge first.
 *
 * Throws `cancelled`, `not-finite` (naming the step) and what the operator throws; everything yielded before
 * stays good.
 */
export async function* lanczos(
  operator: LinearOperator,
  options: LanczosOptions,
): AsyncGenerator<LanczosProgress, void, void> {
  const { size } = operator;
  const count = Math.min(options.count, size);
  const maxSteps = Math.min(options.maxSteps ?? Math.max(usualSteps(count), 100), size);
  const { which = 'LA', tolerance = 1e-4 } = options;
  const random = Rng.of(options.seed, 'lanczos');
  const basis: Vector[] = [];
  /** Eigenvalues of the invariant subspaces that were left. */
  const finished: RitzValue[] = [];
  let block: Tridiagonal = { alpha: [], beta: [] };
  let next = freshDirection(random, size, basis);
  let largest = 0;
  let state = { eigenvalues: [] as readonly RitzValue[], converged: false };

  while (basis.length < maxSteps && count > 0) {
    if (options.signal?.aborted) throw cancelled();
    const v = size > FLOAT64_BASIS_LIMIT ? Float32Array.from(next) : next;
    basis.push(v);
    next = await operator.apply(v);
    block.alpha.push(dot(v, next));
    orthogonalise(next, basis);
    const remainder = norm(next);
    const steps = basis.length;
    if (!Number.isFinite(remainder)) {
      throw new CurvatureError(
        'not-finite',
        `The product with the curvature matrix is not finite in Lanczos step ${steps}.`,
        'Look for inputs or weights so large that float32 overflows; results of the steps before it are kept.',
      );
    }

    largest = Math.max(largest, Math.abs(block.alpha[block.alpha.length - 1]), remainder);
    const isInvariant = steps === size || remainder <= BREAKDOWN * largest;
    if (steps <= 40 || steps % 5 === 0 || steps === maxSteps || isInvariant) {
      const ritz = ritzValues(block, isInvariant ? 0 : remainder, tolerance);
      state = select(finished, ritz, {
        ...{ count, which, isInvariant },
        isWhole: steps === size,
        takesWhole: size <= maxSteps,
      });
      if (isInvariant) finished.push(...ritz);
    }
    yield { steps, maxSteps, ...state };
    if (state.converged) return;

    if (isInvariant) {
      block = { alpha: [], beta: [] };
      next = freshDirection(random, size, basis);
    } else {
      block.beta.push(remainder);
      scale(1 / remainder, next);
    }
  }
}

/** The operator's matrix in the basis: `alpha` on the diagonal, `beta` beside it. */
interface Tridiagonal {
  readonly alpha: number[];
  readonly beta: number[];
}

interface SearchState {
  readonly count: number;
  readonly which: Which;
  /** Whether the subspace at hand is invariant, so that its values are known. */
  readonly isInvariant: boolean;
  /** Whether the subspaces fill the whole space. */
  readonly isWhole: boolean;
  /** Whether the operator is so small that the search goes on until they do: then no copy is missed. */
  readonly takesWhole: boolean;
}

/**
 * The wanted values of all subspaces, and whether the search may end.
 *
 * A random vector has a part along everything that the finished subspaces leave out, so the most wanted value
 * of its own subspace is the most wanted of all that is left. Only when that value is known, and not wanted,
 * are there no more copies to find.
 */
function select(
  finished: readonly RitzValue[],
  block: readonly RitzValue[],
  { count, which, isInvariant, isWhole, takesWhole }: SearchState,
): { eigenvalues: readonly RitzValue[]; converged: boolean } {
  const rank = { LA: (x: number) => -x, SA: (x: number) => x, LM: (x: number) => -Math.abs(x) }[which];
  const sort = (pairs: readonly RitzValue[]): RitzValue[] =>
    [...pairs].sort((a, b) => rank(a.value) - rank(b.value));
  const eigenvalues = sort([...finished, ...block]).slice(0, count);
  const [first] = sort(block);
  const isFirstSearch = finished.length === 0 && !isInvariant;
  const nothingLeft = isFirstSearch || (first.converged && !eigenvalues.includes(first));
  const isKnown = eigenvalues.length === count && eigenvalues.every(pair => pair.converged);
  return { eigenvalues, converged: isKnown && (isWhole || (nothingLeft && !takesWhole)) };
}

/** A random unit vector orthogonal to the basis; a basis that spans everything is never asked for one. */
function freshDirection(random: Rng, size: number, basis: readonly Vector[]): Float64Array {
  const direction = Float64Array.from({ length: size }, () => random.normal());
  if (basis.length >= size) return direction;
  orthogonalise(direction, basis);
  scale(1 / norm(direction), direction);
  // Where little was left of the vector, dividing by its norm has brought rounding up; a second pass takes it
  // away.
  orthogonalise(direction, basis);
  scale(1 / norm(direction), direction);
  return direction;
}

/** w ← (I − VVᵀ)w, twice. */
function orthogonalise(w: Float64Array, basis: readonly Vector[]): void {
  for (let pass = 0; pass < 2; pass++) {
    for (const v of basis) axpy(-dot(v, w), v, w);
  }
}

/** Eigenvalues of the tridiagonal matrix, with the residuals |β_m y_m|/|θ| of their Ritz pairs. */
function ritzValues({ alpha, beta }: Tridiagonal, remainder: number, tolerance: number): RitzValue[] {
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
  const largest = Math.max(...realEigenvalues.map(Math.abs));
  return realEigenvalues.map((value, i) => {
    const distance = Math.abs(remainder * eigenvectorMatrix.get(m - 1, i));
    // An eigenvalue of zero has no relative error; it is as good as rounding lets it be.
    const residual = distance === 0 ? 0 : distance / Math.max(Math.abs(value), Number.EPSILON * largest);
    return { value, residual, converged: residual <= tolerance };
  });
}
