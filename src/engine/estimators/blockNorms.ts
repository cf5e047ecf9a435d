import type { LinearOperator } from '../curvature/linearOperator';
import { cancelled } from '../errors';
import { Rng } from '../util/rng';
import { RunningMoments } from '../util/statistics';
import { type Keeper, once } from './keeper';

/** Rows and columns that belong together. */
export interface Block {
  readonly start: number;
  readonly size: number;
}

/** A mean over probes; `stderr` is 0 where every column was taken, and NaN for a single probe. */
export interface Mean {
  readonly mean: number;
  readonly stderr: number;
}

export interface BlockNorms {
  /** ‖A_lm‖_F² for every pair of blocks; symmetric. */
  readonly squares: readonly (readonly Mean[])[];
  /** tr A_ll. */
  readonly traces: readonly Mean[];
}

export interface BlockNormsProgress {
  readonly products: number;
  readonly maxProducts: number;
  /** What the probes so far give; absent before each block has had one. */
  readonly norms?: BlockNorms;
}

export interface BlockNormsOptions {
  readonly probes: number;
  readonly seed: number;
  /** Keeps what each product gives. */
  readonly keeper?: Keeper;
  readonly signal?: AbortSignal;
}

/** What one product gives: ‖A_lm v‖² for each l, and vᵀA_mm v. */
interface Sums {
  readonly squares: readonly number[];
  readonly trace: number;
}

/** For one block of columns: ‖A_lm v‖² for each l, and vᵀA_mm v. */
interface Column {
  readonly isExact: boolean;
  readonly squares: readonly RunningMoments[];
  readonly trace: RunningMoments;
}

/**
 * Frobenius norms of all blocks of a symmetric matrix: for random signs v on the columns m alone, ‖(Av)_l‖² has the mean ‖A_lm‖_F² (Hutchinson on
 * A_lmᵀA_lm). Products with columns l and with columns m are two independent estimates of one number, whose mean is taken. A block of no
 * more columns than probes gets all of its unit vectors, which leave no noise. Cost: a product per probe and block. Yields after each.
 */
export async function* blockNorms(
  operator: LinearOperator,
  blocks: readonly Block[],
  { probes, seed, keeper, signal }: BlockNormsOptions,
): AsyncGenerator<BlockNormsProgress, void, void> {
  const columns = blocks.map(({ size }): Column => ({
    isExact: size <= probes,
    squares: blocks.map(() => new RunningMoments()),
    trace: new RunningMoments(),
  }));
  const maxProducts = blocks.reduce((sum, { size }) => sum + Math.min(size, probes), 0);
  let products = 0;
  const v = new Float64Array(operator.size);
  for (let k = 0; k < probes; k++) {
    for (const [m, { start, size }] of blocks.entries()) {
      const { isExact, squares, trace } = columns[m];
      if (isExact && k >= size) continue;
      if (signal?.aborted) throw cancelled();
      const sums = await once(
        keeper,
        `block ${m} ${isExact ? 'column' : 'probe'} ${k}`,
        async (): Promise<Sums> => {
          if (isExact) v[start + k] = 1;
          else v.set(Rng.of(seed, 'block norms', m, k).rademacher(size), start);
          const product = await operator.apply(v);
          const found = {
            squares: blocks.map(block => sumOver(block, i => product[i] * product[i])),
            trace: sumOver(blocks[m], i => v[i] * product[i]),
          };
          v.fill(0, start, start + size);
          return found;
        },
      );
      sums.squares.forEach((square, l) => squares[l].add(square));
      trace.add(sums.trace);
      products++;
      yield { products, maxProducts };
    }
    yield { products, maxProducts, norms: summary(blocks, columns) };
  }
}

function sumOver({ start, size }: Block, term: (i: number) => number): number {
  let sum = 0;
  for (let i = start; i < start + size; i++) sum += term(i);
  return sum;
}

function summary(blocks: readonly Block[], columns: readonly Column[]): BlockNorms {
  const meanOf = (m: number, moments: RunningMoments): Mean =>
    columns[m].isExact
      ? // The sum over unit vectors; over those that were not taken yet as over the others.
        { mean: blocks[m].size * moments.mean, stderr: moments.count === blocks[m].size ? 0 : NaN }
      : { mean: moments.mean, stderr: moments.stderr };
  const squares = blocks.map((_, l) =>
    blocks.map((__, m) => {
      const [a, b] = [meanOf(m, columns[m].squares[l]), meanOf(l, columns[l].squares[m])];
      if (l === m || a.stderr === 0) return a;
      if (b.stderr === 0) return b;
      return { mean: (a.mean + b.mean) / 2, stderr: Math.hypot(a.stderr, b.stderr) / 2 };
    }),
  );
  return { squares, traces: columns.map(({ trace }, m) => meanOf(m, trace)) };
}
