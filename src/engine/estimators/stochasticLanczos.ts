import { type LinearOperator } from '../curvature/linearOperator';
import { cancelled } from '../errors';
import { Rng } from '../util/rng';
import { isTimeUp, type TimeSpent } from '../util/timeBudget';
import { scale, type Vector } from '../util/vector';
import { columnBytes, noColumns, noVector, orthogonalise } from './basis';
import { type Columns } from './columns';
import type { Keeper } from './keeper';
import { LanczosProcess } from './lanczosProcess';
import { type RitzValue } from './result';
import { type Quadrature } from './spectrum';

export interface StochasticLanczosOptions {
  /** Products per start vector; the operator's size at most. */
  readonly steps: number;
  /** Start vectors (n_v) beside the first, which looks for outliers. */
  readonly probes: number;
  readonly seed: number;
  /** Largest relative residual of a converged eigenvalue; 1e-4 by default. */
  readonly tolerance?: number;
  /** Ends the search before another start vector, once two are through. */
  readonly timeSpent?: TimeSpent;
  /** Keeps the outliers' products and what each start vector gives. */
  readonly keeper?: Keeper;
  readonly signal?: AbortSignal;
}

export interface StochasticLanczosProgress {
  /** One for each start vector that is through; weights sum to 1 with those of the outliers. */
  readonly quadratures: readonly Quadrature[];
  /** Eigenvalues that are known by themselves, largest magnitude first; their weight is 1/n in every quadrature. */
  readonly outliers: readonly RitzValue[];
  /** The ends of the spectrum as far as any start vector has seen them; absent before the first is through. */
  readonly extremes?: { readonly largest: RitzValue; readonly smallest: RitzValue };
  /** How far the rest of the spectrum reaches; 0 before the first start vector is through. */
  readonly bulkRange: number;
  readonly products: number;
  readonly maxProducts: number;
}

/** What one start vector gives. */
interface FromStart {
  readonly quadrature: Quadrature;
  readonly largest: RitzValue;
  readonly smallest: RitzValue;
  readonly products: number;
}

/** Outliers that are looked for, as a share of the steps. */
const OUTLIERS = 1 / 4;

/** What the basis of one start vector and the outliers take, with the vectors of one product. */
export const spectrumBytes = (size: number, steps: number): number =>
  columnBytes(size, Math.ceil((1 + OUTLIERS) * Math.min(steps, size))) + 2 * 8 * size;

/** As many steps as stay within so many bytes, two at least. */
export const spectrumStepsWithin = (bytes: number, size: number): number =>
  Math.max(2, Math.floor((bytes - spectrumBytes(size, 0)) / (columnBytes(size, 1) * (1 + OUTLIERS))));

/**
 * The spectrum as nodes and weights, by stochastic Lanczos quadrature with the outliers taken out.
 *
 * Golub & Meurant 1994; Ubaru, Chen & Saad, SIAM J. Matrix Anal. Appl. 38 (2017). Start vectors are uniform on the sphere. From each, the
 * Ritz values after so many steps with full reorthogonalisation are the nodes, and the squared first elements of their vectors the
 * weights: Gauss's quadrature, exact for polynomials below degree 2·steps.
 *
 * Few outliers make up most of a loss's curvature, and a start vector meets each by chance, with a weight as χ² with one degree: five
 * vectors give the trace by half, and their spread says little of it. So a first run finds eigenvalues that have converged, and the
 * others work in the complement of these, whose part is smooth (Bhattacharjee, Jayaram, Musco, Musco & Ray, SODA 2025, arXiv
 * 2410.21690). Each outlier has the weight 1/n, and the rest is unbiased for tr/n as before, and for ‖·‖_F²/n but for the squared
 * residuals. Holds the outliers and the basis of one start vector. Yields after each product.
 *
 * Throws `cancelled`, `not-finite` (naming the step) and what the operator throws; everything yielded before stays good.
 */
export async function* stochasticLanczos(
  operator: LinearOperator,
  options: StochasticLanczosOptions,
): AsyncGenerator<StochasticLanczosProgress, void, void> {
  const { size } = operator;
  const { probes, seed, tolerance = 1e-4, keeper, signal } = options;
  const steps = Math.min(options.steps, size);
  const maxProducts = (1 + probes) * steps;
  let state: StochasticLanczosProgress = {
    ...{ quadratures: [], outliers: [], bulkRange: 0, products: 0, maxProducts },
  };

  /** One run; yields after each product but the last, whose result the caller adds first. */
  async function* run(lanczos: LanczosProcess): AsyncGenerator<StochasticLanczosProgress, void, void> {
    for (;;) {
      if (signal?.aborted) throw cancelled();
      const { isInvariant } = await lanczos.step();
      state = { ...state, products: state.products + 1 };
      // In an invariant subspace the quadrature is exact, and there is nowhere to go on to.
      if (isInvariant || lanczos.steps === steps) return;
      yield state;
    }
  }

  const through = (name: string): LinearOperator => keeper?.through(name, operator) ?? operator;

  // One name for all runs, so that the basis of the last one is let go.
  let process = new LanczosProcess(
    through('outliers'),
    await startVector(Rng.of(seed, 'slq', 'outliers'), size, noColumns(size)),
  );
  yield* run(process);
  const { outliers, columns } = await takeOutliers(process, {
    ...{ most: Math.floor(steps * OUTLIERS), tolerance, size },
  });
  const ends = process.ritzPairs(tolerance).map(ritzOf);
  state = { ...state, outliers, extremes: extremesOf(ends) };
  yield state;

  let [low, high] = [Infinity, -Infinity];
  for (let probe = 0; probe < probes; probe++) {
    if (probe >= 2 && isTimeUp(options.timeSpent)) return;
    const name = `start vector ${probe} of ${steps} steps`;
    let from = keeper?.found(name) as FromStart | undefined;
    if (from) {
      state = { ...state, products: state.products + from.products };
    } else {
      const start = await startVector(Rng.of(seed, 'slq', probe), size, columns);
      process = new LanczosProcess(through(name), start, columns);
      yield* run(process);
      from = fromStart(process, outliers, size, tolerance);
      keeper?.keep(name, from);
    }
    ends.push(from.largest, from.smallest);
    low = Math.min(low, from.smallest.value);
    high = Math.max(high, from.largest.value);
    state = {
      ...state,
      quadratures: [...state.quadratures, from.quadrature],
      extremes: extremesOf(ends),
      bulkRange: high - low,
    };
    yield state;
  }
}

/** The quadrature of a run that is through, with the outliers'. */
function fromStart(
  process: LanczosProcess,
  outliers: readonly RitzValue[],
  size: number,
  tolerance: number,
): FromStart {
  const pairs = process.ritzPairs(tolerance).sort((a, b) => a.value - b.value);
  const share = 1 - outliers.length / size;
  const nodes = [
    ...outliers.map(({ value }) => ({ value, weight: 1 / size })),
    ...pairs.map(({ value, vector }) => ({ value, weight: share * vector[0] ** 2 })),
  ].sort((a, b) => a.value - b.value);
  const known = outliers.reduce((sum, { value }) => sum + Math.max(0, -value) / size, 0);
  return {
    quadrature: {
      nodes: nodes.map(n => n.value),
      weights: nodes.map(n => n.weight),
      ...(process.isInvariant ? {} : { meanNegativeBefore: known + share * negativeBefore(process) }),
    },
    ...extremesOf(pairs.map(ritzOf)),
    products: process.steps,
  };
}

/** The mean of max(0, −λ) over a start vector's measure by Gauss's rule of one step less. */
const negativeBefore = (process: LanczosProcess): number =>
  process.pairsBefore().reduce((sum, { value, vector }) => sum + Math.max(0, -value) * vector[0] ** 2, 0);

/** Uniform on the sphere within the complement of some orthonormal columns. */
async function startVector(random: Rng, size: number, outside: Columns): Promise<Vector> {
  const start = noVector(size);
  start.set(random.normals(size));
  scale(1 / (await orthogonalise(start, outside)).left, start);
  return start;
}

/** The converged eigenvalues of largest magnitude, and their vectors. */
async function takeOutliers(
  process: LanczosProcess,
  { most, tolerance, size }: { most: number; tolerance: number; size: number },
): Promise<{ outliers: RitzValue[]; columns: Columns }> {
  const pairs = process
    .ritzPairs(tolerance)
    .filter(({ value, converged }) => converged && value !== 0)
    .sort((a, b) => Math.abs(b.value) - Math.abs(a.value))
    .slice(0, most);
  const columns = noColumns(size);
  for (const { vector } of pairs) {
    const column = await process.combine(vector);
    await columns.push(column, 1 / (await orthogonalise(column, columns)).left);
  }
  return { outliers: pairs.map(ritzOf), columns };
}

const ritzOf = ({ value, residual, converged }: RitzValue): RitzValue => ({ value, residual, converged });

/** Ritz values lie within the spectrum, so that the outermost are the best. */
function extremesOf(values: readonly RitzValue[]): { largest: RitzValue; smallest: RitzValue } {
  const outermost = (rank: (x: RitzValue) => number): RitzValue =>
    values.reduce((best, x) => (rank(x) > rank(best) ? x : best));
  return { largest: outermost(x => x.value), smallest: outermost(x => -x.value) };
}
