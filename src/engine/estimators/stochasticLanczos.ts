import { type LinearOperator } from '../curvature/linearOperator';
import { cancelled } from '../errors';
import { Rng } from '../util/rng';
import { norm, scale } from '../util/vector';
import { LanczosProcess } from './lanczosProcess';
import { type RitzValue } from './result';
import { type Quadrature } from './spectrum';

export interface StochasticLanczosOptions {
  /** Products per start vector; the operator's size at most. */
  readonly steps: number;
  /** Start vectors (n_v). */
  readonly probes: number;
  readonly seed: number;
  /** Largest relative residual of a converged extreme; 1e-4 by default. */
  readonly tolerance?: number;
  readonly signal?: AbortSignal;
}

export interface StochasticLanczosProgress {
  /** One for each start vector that is through. */
  readonly quadratures: readonly Quadrature[];
  /** The ends of the spectrum as far as any start vector has seen them; absent before the first is through. */
  readonly extremes?: { readonly largest: RitzValue; readonly smallest: RitzValue };
  readonly products: number;
  readonly maxProducts: number;
}

/**
 * The spectrum as nodes and weights, by stochastic Lanczos quadrature.
 *
 * Golub & Meurant 1994; Ubaru, Chen & Saad, SIAM J. Matrix Anal. Appl. 38 (2017). Start vectors are uniform on the sphere. From each, the
 * Ritz values after so many steps with full reorthogonalisation are the nodes, and the squared first elements of their vectors the
 * weights: Gauss's quadrature, exact for polynomials below degree 2·steps. The mean over the vectors is unbiased for the first
 * two moments, tr/n and ‖·‖_F²/n. Holds the basis of one start vector. Yields after each product.
 *
 * Throws `cancelled`, `not-finite` (naming the step) and what the operator throws; everything yielded before stays good.
 */
export async function* stochasticLanczos(
  operator: LinearOperator,
  options: StochasticLanczosOptions,
): AsyncGenerator<StochasticLanczosProgress, void, void> {
  const { probes, seed, tolerance = 1e-4, signal } = options;
  const steps = Math.min(options.steps, operator.size);
  const quadratures: Quadrature[] = [];
  const ends: RitzValue[] = [];
  let products = 0;
  for (let probe = 0; probe < probes; probe++) {
    const start = Float64Array.from(Rng.of(seed, 'slq', probe).normals(operator.size));
    scale(1 / norm(start), start);
    const process = new LanczosProcess(operator, start);
    for (let isThrough = false; !isThrough;) {
      if (signal?.aborted) throw cancelled();
      // In an invariant subspace the quadrature is exact, and there is nowhere to go on to.
      isThrough = (await process.step()).isInvariant || process.steps === steps;
      products++;
      if (isThrough) {
        const pairs = process.ritzPairs(tolerance).sort((a, b) => a.value - b.value);
        quadratures.push({ nodes: pairs.map(p => p.value), weights: pairs.map(p => p.first ** 2) });
        ends.push(pairs[0], pairs[pairs.length - 1]);
      }
      const extremes = quadratures.length === 0 ? {} : { extremes: extremesOf(ends) };
      yield { quadratures: [...quadratures], ...extremes, products, maxProducts: probes * steps };
    }
  }
}

/** Ritz values lie within the spectrum, so that the outermost are the best. */
function extremesOf(ends: readonly RitzValue[]): { largest: RitzValue; smallest: RitzValue } {
  const outermost = (rank: (x: RitzValue) => number): RitzValue => {
    const { value, residual, converged } = ends.reduce((best, x) => (rank(x) > rank(best) ? x : best));
    return { value, residual, converged };
  };
  return { largest: outermost(x => x.value), smallest: outermost(x => -x.value) };
}
