import { type LinearOperator } from '../curvature/linearOperator';
import { cancelled } from '../errors';
import { Rng } from '../util/rng';
import { isTimeUp, type TimeSpent } from '../util/timeBudget';
import { scale, type Vector } from '../util/vector';
import { columnBytes, noColumns, noVector, orthogonalise } from './basis';
import { type Columns } from './columns';
import { LanczosProcess } from './lanczosProcess';
import { type RitzValue } from './result';

/** Which end of the spectrum: largest algebraic, smallest algebraic, or largest magnitude. */
export type Which = 'LA' | 'SA' | 'LM';

export interface LanczosProgress {
  /** Products with the operator so far. */
  readonly steps: number;
  readonly maxSteps: number;
  /** The wanted Ritz values, most wanted first; fewer than `count` in the first steps. */
  readonly eigenvalues: readonly RitzValue[];
  /**
   * The value at the far end of the spectrum from the wanted ones, of no product more: as good as its residual says, since the search does
   * not wait for it. Absent before the first step, and for `LM`, whose far end lies within.
   */
  readonly otherEnd?: RitzValue;
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
  /** Ends the search with what it has after one step at least. */
  readonly timeSpent?: TimeSpent;
  readonly signal?: AbortSignal;
}

/** Steps that well separated eigenvalues take; hard ones take up to `maxSteps`. */
export const usualSteps = (count: number): number => 2 * count + 20;

/** What a search of so many steps holds beside the operator: the basis, and the vectors of one product. */
export const basisBytes = (size: number, steps: number): number =>
  columnBytes(size, Math.min(steps, size)) + size * 2 * 8;

/** The steps to go at most, so that the basis stays within so many bytes where it is longer than usual. */
export const stepsWithin = (bytes: number, size: number, count: number): number =>
  Math.max(usualSteps(count), Math.min(100, Math.floor(bytes / basisBytes(size, 1))));

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
  const process = new LanczosProcess(operator, await freshDirection(random, noColumns(size), size));
  /** Eigenvalues of the invariant subspaces that were left. */
  const finished: RitzValue[] = [];
  let state: Pick<LanczosProgress, 'eigenvalues' | 'otherEnd' | 'converged'> = {
    eigenvalues: [],
    converged: false,
  };

  while (process.steps < maxSteps && count > 0) {
    if (options.signal?.aborted) throw cancelled();
    const { isInvariant } = await process.step();
    const { steps } = process;
    const isLast = steps === maxSteps || isTimeUp(options.timeSpent);
    if (steps <= 40 || steps % 5 === 0 || isLast || isInvariant) {
      const ritz = process
        .ritzPairs(tolerance)
        .map(({ value, residual, converged }) => ({ value, residual, converged }));
      state = select(finished, ritz, {
        ...{ count, which, isInvariant },
        isWhole: steps === size,
        takesWhole: size <= maxSteps,
      });
      if (isInvariant) finished.push(...ritz);
    }
    yield { steps, maxSteps, ...state };
    if (state.converged || isLast) return;
    if (isInvariant) process.restart(await freshDirection(random, process.basis, size));
  }
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
): Pick<LanczosProgress, 'eigenvalues' | 'otherEnd' | 'converged'> {
  const rank = { LA: (x: number) => -x, SA: (x: number) => x, LM: (x: number) => -Math.abs(x) }[which];
  const sort = (pairs: readonly RitzValue[]): RitzValue[] =>
    [...pairs].sort((a, b) => rank(a.value) - rank(b.value));
  const all = sort([...finished, ...block]);
  const eigenvalues = all.slice(0, count);
  const [first] = sort(block);
  const isFirstSearch = finished.length === 0 && !isInvariant;
  const nothingLeft = isFirstSearch || (first.converged && !eigenvalues.includes(first));
  const isKnown = eigenvalues.length === count && eigenvalues.every(pair => pair.converged);
  return {
    eigenvalues,
    ...(which === 'LM' ? {} : { otherEnd: all[all.length - 1] }),
    converged: isKnown && (isWhole || (nothingLeft && !takesWhole)),
  };
}

/** A random unit vector orthogonal to the basis; a basis that spans everything is never asked for one. */
async function freshDirection(random: Rng, basis: Columns, size: number): Promise<Vector> {
  const direction = random.fillNormal(noVector(size));
  if (basis.count >= size) return direction;
  scale(1 / (await orthogonalise(direction, basis)).left, direction);
  // Where little was left of the vector, dividing by its norm has brought rounding up; a second pass takes it
  // away.
  scale(1 / (await orthogonalise(direction, basis)).left, direction);
  return direction;
}
