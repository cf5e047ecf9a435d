/** What is read off nodes and weights of a spectrum. Plain arithmetic on numbers: pages compute with it as well. */
import { interval95 } from '../util/studentT';

/** A spectrum seen from one start vector: eigenvalues (nodes) and their shares (weights, which sum to 1). */
export interface Quadrature {
  readonly nodes: readonly number[];
  readonly weights: readonly number[];
  /**
   * The mean of max(0, −λ) by the nodes and weights of one step less: by how much the kink at zero, where most eigenvalues of a loss are, throws
   * such rules off. Absent where the nodes are eigenvalues.
   */
  readonly meanNegativeBefore?: number;
}

/**
 * A number from several start vectors; `stderr` is NaN for a single one. For an interval: Student's t with `samples` − 1 degrees of freedom.
 * Where one eigenvalue makes up most of a sum, since so few steps find no outliers, its forms are as skewed as χ² with one degree, and
 * intervals hold the truth somewhat less often than they say (88 to 92 % for 95 % with 4 or 8 steps from 5 vectors and eigenvalues 1/i).
 */
export interface ProbeEstimate {
  readonly estimate: number;
  readonly stderr: number;
  readonly samples: number;
}

/** The mean of f over the eigenvalues. */
export function spectralMean(probes: readonly Quadrature[], f: (eigenvalue: number) => number): number {
  const sums = probes.map(({ nodes, weights }) => nodes.reduce((sum, x, k) => sum + weights[k] * f(x), 0));
  return sums.reduce((sum, x) => sum + x, 0) / probes.length;
}

/** The mean of max(0, −λ). */
const meanNegative = (probes: readonly Quadrature[]): number => spectralMean(probes, x => Math.max(0, -x));

/** The same a step before. */
const meanNegativeBefore = (probes: readonly Quadrature[]): number =>
  probes.reduce((sum, p) => sum + (p.meanNegativeBefore ?? meanNegative([p])), 0) / probes.length;

/**
 * A statistic of all start vectors with its standard error by the jackknife (Efron & Stein, Ann. Stat. 9, 1981): for means over the
 * vectors it is their own sd/√n_v, for roots and ratios of means it is right to first order.
 */
export function overProbes(
  probes: readonly Quadrature[],
  statistic: (probes: readonly Quadrature[]) => number,
): ProbeEstimate {
  const samples = probes.length;
  const estimate = statistic(probes);
  if (samples < 2) return { estimate, stderr: NaN, samples };
  const without = probes.map((_, j) => statistic(probes.filter((_, i) => i !== j)));
  const mean = without.reduce((sum, x) => sum + x, 0) / samples;
  const squares = without.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return { estimate, stderr: Math.sqrt((squares * (samples - 1)) / samples), samples };
}

/** The 95 % interval of what can't be negative: a norm, a share, a rank. */
export function intervalAboveZero(found: ProbeEstimate): [low: number, high: number] {
  const [low, high] = interval95(found);
  return [Math.max(0, low), high];
}

/** Σ f(λ) over the eigenvalues of an operator of so many rows: f(λ) = λ gives the trace, λ² the squared Frobenius norm. */
export const spectralSum = (
  probes: readonly Quadrature[],
  size: number,
  f: (eigenvalue: number) => number,
): ProbeEstimate => overProbes(probes, p => size * spectralMean(p, f));

/** How many eigenvalues lie above a value. */
export const countAbove = (probes: readonly Quadrature[], size: number, value: number): ProbeEstimate =>
  spectralSum(probes, size, x => (x > value ? 1 : 0));

/** √Σλ². */
export const frobeniusNorm = (probes: readonly Quadrature[], size: number): ProbeEstimate =>
  overProbes(probes, p => Math.sqrt(size * spectralMean(p, x => x * x)));

/**
 * A statistic that needs the mean of max(0, −λ). Rules of many steps or few fall to either side of it, so that half of what the last step
 * changes is an error of its own, beside that of the start vectors.
 */
function overNegatives(
  probes: readonly Quadrature[],
  statistic: (probes: readonly Quadrature[], negative: number) => number,
): ProbeEstimate {
  const found = overProbes(probes, p => statistic(p, meanNegative(p)));
  const before = statistic(probes, meanNegativeBefore(probes));
  return { ...found, stderr: Math.hypot(found.stderr, (found.estimate - before) / 2) };
}

/** The mean of |λ|. */
const magnitude = (probes: readonly Quadrature[], negative: number): number =>
  spectralMean(probes, x => x) + 2 * negative;

/** The negative share of Σ|λ|; the eigenvalues about zero, whose sign is rounding, count for nothing in it. */
export const negativeMass = (probes: readonly Quadrature[]): ProbeEstimate =>
  overNegatives(probes, (p, negative) => {
    const all = magnitude(p, negative);
    return all === 0 ? 0 : negative / all;
  });

/** (Σ|λ|)²/Σλ²: how many eigenvalues of equal size would spread as far; tr²/‖·‖_F² where none is negative. */
export const effectiveRank = (probes: readonly Quadrature[], size: number): ProbeEstimate =>
  overNegatives(probes, (p, negative) => {
    const squares = spectralMean(p, x => x * x);
    return squares === 0 ? 0 : (size * magnitude(p, negative) ** 2) / squares;
  });

/**
 * The density at each point, in which a node is a Gaussian of this width (its standard deviation). It integrates to 1. The width is a
 * choice of display: wide ones smooth, narrow ones show the nodes.
 */
export function density(
  probes: readonly Quadrature[],
  points: readonly number[],
  width: number,
): Float64Array {
  const values = new Float64Array(points.length);
  const height = 1 / (width * Math.sqrt(2 * Math.PI) * probes.length);
  for (const { nodes, weights } of probes) {
    nodes.forEach((node, k) => {
      for (let i = 0; i < points.length; i++)
        values[i] += weights[k] * height * Math.exp(-0.5 * ((points[i] - node) / width) ** 2);
    });
  }
  return values;
}

/**
 * A bound on the Wasserstein distance between the estimated spectrum and the exact one, before anything is measured but the range
 * of the spectrum: t · range with probability 1 − `failure`, for t = max(12/(steps − ½), √(4 ln(2n/failure)/((n + 2) probes))).
 *
 * Chen, Trogdon & Ubaru, ICML 2021 (arXiv 2105.06595), theorem 1, for start vectors uniform on the sphere. For large n one vector is
 * enough, and the steps decide. Distances found are much smaller.
 */
export function wassersteinBound(
  size: number,
  { steps, probes, range, failure }: Readonly<Record<'steps' | 'probes' | 'range' | 'failure', number>>,
): number {
  const ofSteps = 12 / (steps - 0.5);
  const ofProbes = Math.sqrt((4 * Math.log((2 * size) / failure)) / ((size + 2) * probes));
  return Math.max(ofSteps, ofProbes) * range;
}
