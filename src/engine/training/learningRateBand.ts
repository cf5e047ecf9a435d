import { type Optimizer, stableProduct } from './optimizers';

/** What the band rests on: of the matrix that is trained on, λmax and the trace, both positive. */
export interface BandInput {
  readonly largest: number;
  readonly trace: number;
  readonly optimizer: Optimizer;
  readonly momentum: number;
  readonly batchSize: number;
}

/** Learning rates between which the noise of the batches decides. */
export interface Band {
  /** Below it, training is stable in mean square. */
  readonly sufficient: number;
  /** Above it, it is not. */
  readonly necessary: number;
}

/** Points of (0, ηλmax] at which the damping is looked at, and halvings of the band's ends. */
const POINTS = 100;
const HALVINGS = 60;

/**
 * The band of learning rates for training on batches drawn at random, with a linear model of constant feature norm near a minimum that
 * fits all samples.
 *
 * Along an eigenvector of eigenvalue λ, x = ηλ, noise of variance s adds s/D(x) to the mean square, D as in `damping`. In the
 * stationary state of (Wu & Su, ICML 2023, arXiv 2305.17490, here with momentum)
 *
 *     m_k (D(x_k) + x_k²/B) = (η²/B) E_k,  Σ E_k = tr(H) Σ λ_k m_k,
 *
 * so that a mean of ρ(x_k) = D(x_k)/x_k + x_k/B, weighted by x_k m_k, is η tr(H)/B. Training is stable where the least ρ is no less than that,
 * and only where the largest is. Without momentum this is η ≤ 2/((1 − 1/B) λmax + tr/B), and λmax ≤ 2/η with tr ≤ 2B/η.
 */
export function learningRateBand({ largest, trace, optimizer, momentum, batchSize }: BandInput): Band {
  // Adam's step is that of heavy ball with η(1 − β₁), on the preconditioned matrix.
  const stepScale = optimizer === 'adam' ? 1 - momentum : 1;
  const most = stableProduct(optimizer, momentum) / largest;
  const rule = optimizer === 'nesterov' ? 'nesterov' : 'sgd';
  const isStable = (rate: number, of: (...values: number[]) => number): boolean => {
    const eta = rate * stepScale;
    const rho = Array.from({ length: POINTS + 1 }, (_, i) => {
      const x = (eta * largest * i) / POINTS;
      return damping(rule, momentum, x) + x / batchSize;
    });
    return of(...rho) >= (eta * trace) / batchSize;
  };
  const end = (of: (...values: number[]) => number): number => {
    if (isStable(most, of)) return most;
    let [low, high] = [0, most];
    for (let i = 0; i < HALVINGS; i++) {
      const middle = (low + high) / 2;
      if (isStable(middle, of)) low = middle;
      else high = middle;
    }
    return low;
  };
  return { sufficient: end(Math.min), necessary: end(Math.max) };
}

/**
 * D(x)/x, where η² s/D(x) is the stationary variance of the iteration under gradient noise of variance s: of an AR(2) process for heavy ball, of
 * an ARMA(2,1) for Nesterov's form, whose step uses each gradient twice.
 */
function damping(rule: 'sgd' | 'nesterov', beta: number, x: number): number {
  if (rule === 'sgd') return ((1 - beta) * (2 * (1 + beta) - x)) / (1 + beta);
  const open = 2 + 2 * beta - (1 + 2 * beta) * x;
  return (open * (1 - beta + beta * x)) / (1 + beta + beta * (1 + 2 * beta) * x);
}

/** Tr/λmax: larger batches allow no larger learning rates to speak of (Ma, Bassily & Belkin, ICML 2018). */
export const criticalBatchSize = ({ largest, trace }: Pick<BandInput, 'largest' | 'trace'>): number =>
  Math.max(1, trace / largest);
