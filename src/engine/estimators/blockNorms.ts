import type { LinearOperator } from '../curvature/linearOperator';
import { cancelled } from '../errors';
import { Rng } from '../util/rng';
import { RunningMoments } from '../util/statistics';
import { isTimeUp, type TimeSpent } from '../util/timeBudget';
import { type Keeper, once } from './keeper';

/** Rows and columns that belong together. */
export interface Block {
  readonly start: number;
  readonly size: number;
}

/** A mean over probes; `stderr` is 0 where every column was taken. */
export interface Mean {
  readonly mean: number;
  readonly stderr: number;
}

export interface BlockNorms {
  /** ‖A_lm‖_F² for every pair of blocks; symmetric. */
  readonly squares: readonly (readonly Mean[])[];
  /** tr A_ll. */
  readonly traces: readonly Mean[];
  /** 1 − Σ‖A_ll‖_F²/‖A‖_F²; of a matrix of zeros nothing lies outside. */
  readonly shareOutside: Mean;
}

export interface BlockNormsProgress {
  readonly products: number;
  readonly maxProducts: number;
  /** Probes that each block has had which is not taken whole. */
  readonly probes: number;
  /** What the probes so far give; absent before each block has had two, which give an error. */
  readonly norms?: BlockNorms;
}

export interface BlockNormsOptions {
  readonly probes: number;
  readonly seed: number;
  /** Ends the search after a probe of each block, two at least. */
  readonly timeSpent?: TimeSpent;
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
  /** ‖A_lm v‖² summed over the other blocks whose columns are drawn as well, and over m too: what this column says of the share outside. */
  readonly outside: RunningMoments;
  readonly all: RunningMoments;
}

/**
 * Frobenius norms of all blocks of a symmetric matrix: for random signs v on the columns m alone, ‖(Av)_l‖² has the mean ‖A_lm‖_F² (Hutchinson on
 * A_lmᵀA_lm). Products with columns l and with columns m are two independent estimates of one number, whose mean is taken. A block of no
 * more columns than probes gets all of its unit vectors, which leave no noise; these come first. Cost: a product per probe and block. Yields
 * after each.
 */
export async function* blockNorms(
  operator: LinearOperator,
  blocks: readonly Block[],
  { probes, seed, timeSpent, keeper, signal }: BlockNormsOptions,
): AsyncGenerator<BlockNormsProgress, void, void> {
  const columns = blocks.map(({ size }): Column => ({
    isExact: size <= probes,
    squares: blocks.map(() => new RunningMoments()),
    trace: new RunningMoments(),
    outside: new RunningMoments(),
    all: new RunningMoments(),
  }));
  const maxProducts = blocks.reduce((sum, { size }) => sum + Math.min(size, probes), 0);
  let products = 0;
  const v = new Float64Array(operator.size);

  async function probe(m: number, k: number): Promise<void> {
    if (signal?.aborted) throw cancelled();
    const { start, size } = blocks[m];
    const { isExact, squares, trace, outside, all } = columns[m];
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
    const others = sums.squares.reduce((sum, x, l) => (l === m || columns[l].isExact ? sum : sum + x), 0);
    outside.add(others);
    all.add(others + sums.squares[m]);
    products++;
  }

  const of = (isExact: boolean): number[] =>
    blocks.flatMap((_, m) => (columns[m].isExact === isExact ? [m] : []));
  for (const m of of(true)) {
    for (let k = 0; k < blocks[m].size; k++) {
      await probe(m, k);
      if (products < maxProducts) yield { products, maxProducts, probes: 0 };
    }
  }
  const drawn = of(false);
  if (drawn.length === 0) yield { products, maxProducts, probes, norms: summary(blocks, columns) };
  for (let k = 0; drawn.length > 0 && k < probes; k++) {
    if (k >= 2 && isTimeUp(timeSpent)) return;
    for (const m of drawn) {
      await probe(m, k);
      const isRound = m === drawn.at(-1);
      const hasErrors = k >= 2 || (k === 1 && isRound);
      yield {
        ...{ products, maxProducts, probes: isRound ? k + 1 : k },
        ...(hasErrors ? { norms: summary(blocks, columns) } : {}),
      };
    }
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
      ? { mean: blocks[m].size * moments.mean, stderr: 0 }
      : { mean: moments.mean, stderr: moments.stderr };
  const squares = blocks.map((_, l) =>
    blocks.map((__, m) => {
      const [a, b] = [meanOf(m, columns[m].squares[l]), meanOf(l, columns[l].squares[m])];
      if (l === m || a.stderr === 0) return a;
      if (b.stderr === 0) return b;
      return { mean: (a.mean + b.mean) / 2, stderr: Math.hypot(a.stderr, b.stderr) / 2 };
    }),
  );
  return {
    squares,
    traces: columns.map(({ trace }, m) => meanOf(m, trace)),
    shareOutside: shareOutside(squares, columns),
  };
}

/** Its error to first order. What a probe finds inside and outside varies together, which leaves the share much better known than either. */
function shareOutside(squares: BlockNorms['squares'], columns: readonly Column[]): Mean {
  let [inside, outside, variance] = [0, 0, 0];
  squares.forEach((row, l) =>
    row.forEach(({ mean }, m) => {
      if (l === m) inside += mean;
      else outside += mean;
    }),
  );
  const total = inside + outside;
  if (total === 0) return { mean: 0, stderr: 0 };
  columns.forEach((column, m) => {
    if (column.isExact) return;
    const within = column.squares[m].stderr ** 2;
    const beside = column.outside.stderr ** 2;
    const covariance = (column.all.stderr ** 2 - within - beside) / 2;
    variance += inside ** 2 * beside + outside ** 2 * within - 2 * inside * outside * covariance;
  });
  return { mean: outside / total, stderr: Math.sqrt(Math.max(0, variance)) / total ** 2 };
}
