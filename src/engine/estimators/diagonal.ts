import { type LinearOperator } from '../curvature/linearOperator';
import { cancelled, CurvatureError } from '../errors';
import { Rng } from '../util/rng';
import { isTimeUp, type TimeSpent } from '../util/timeBudget';
import { norm } from '../util/vector';
import { requireFinite } from './traceOptions';

export interface DiagonalOptions {
  readonly seed: number;
  /**
   * Lengths of runs of elements, in order, whose mean is wanted in place of each one's own number: as AdaHessian averages over a
   * convolution's kernel. By default each element stands alone.
   */
  readonly blocks?: ArrayLike<number>;
  /** Stop when `diagonalError` over all blocks is no larger. */
  readonly rtol: number;
  /** 8 by default. */
  readonly minProbes?: number;
  /** 100 by default. */
  readonly maxProbes?: number;
  /** Ends the search with what it has, two probes at least. */
  readonly timeSpent?: TimeSpent;
  readonly signal?: AbortSignal;
}

/** Means of the diagonal over blocks; for intervals, Student's t with `samples` − 1 degrees of freedom. */
export interface Diagonal {
  readonly estimate: Float64Array;
  readonly stderr: Float64Array;
  readonly samples: number;
  readonly seed: number;
  readonly converged: boolean;
}

/**
 * The diagonal as the mean of v ⊙ Av over Rademacher probes v.
 *
 * Bekas, Kokiopoulou & Saad, Appl. Numer. Math. 57 (2007); averages over blocks: Yao et al., AdaHessian, AAAI 2021. An element's variance per
 * probe is Σ_{j≠i} A_ij², which averaging over a block divides by about its length. Unlike AdaHessian's, the means are of signed numbers,
 * so that they are unbiased. Yields after each probe from the second on.
 */
export async function* hutchinsonDiagonal(
  operator: LinearOperator,
  options: DiagonalOptions,
): AsyncGenerator<Diagonal, void, void> {
  const { seed, blocks, rtol, minProbes = 8, maxProbes = 100, timeSpent, signal } = options;
  const count = blocks ? requireWhole(blocks, operator.size) : operator.size;
  const mean = new Float64Array(count);
  /** Sums of squared deviations, by Welford's update. */
  const squares = new Float64Array(count);
  for (let probe = 0; probe < maxProbes; probe++) {
    if (signal?.aborted) throw cancelled();
    const v = Rng.of(seed, 'diagonal', probe).rademacher(operator.size);
    const product = await operator.apply(v);
    for (let block = 0, i = 0; block < count; block++) {
      const length = blocks ? blocks[block] : 1;
      let sum = 0;
      for (const end = i + length; i < end; i++) sum += v[i] * product[i];
      const value = requireFinite(sum / length, probe + 1);
      const deviation = value - mean[block];
      mean[block] += deviation / (probe + 1);
      squares[block] += deviation * (value - mean[block]);
    }
    if (probe === 0) continue;
    const samples = probe + 1;
    const stderr = squares.map(s => Math.sqrt(s / (samples * (samples - 1))));
    const converged = diagonalError(norm(stderr), norm(mean)) <= rtol;
    yield { estimate: mean.slice(), stderr, samples, seed, converged };
    if ((converged && samples >= minProbes) || isTimeUp(timeSpent)) return;
  }
}

/**
 * ‖stderr‖/‖diagonal‖, where noise makes the estimate longer than the diagonal: E‖estimate‖² = ‖diagonal‖² + ‖stderr‖². Infinity where
 * nothing but noise was found, 0 where not even that.
 */
export function diagonalError(stderr: number, estimate: number): number {
  const squares = estimate ** 2 - stderr ** 2;
  return stderr === 0 ? 0 : squares > 0 ? stderr / Math.sqrt(squares) : Infinity;
}

/** @returns the number of blocks */
function requireWhole(blocks: ArrayLike<number>, size: number): number {
  let total = 0;
  for (let i = 0; i < blocks.length; i++) {
    if (!(blocks[i] >= 1))
      throw new CurvatureError(
        'option-invalid',
        `Block ${i} has the length ${blocks[i]}; at least 1 is expected.`,
      );
    total += blocks[i];
  }
  if (total === size) return blocks.length;
  throw new CurvatureError(
    'option-invalid',
    `The blocks hold ${total} elements, and the diagonal has ${size}.`,
  );
}
