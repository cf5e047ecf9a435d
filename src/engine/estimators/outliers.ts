/** Bulk and outliers of a spectrum told apart. Plain arithmetic on numbers: pages compute with it as well. */
import { interval95 } from '../util/studentT';
import { overProbes, type Quadrature } from './spectrum';

/** A gap ends the outliers where it is so many times as wide as any gap below it. */
const CLEAR = 3;
/** Gaps below that it is compared with, at least. */
const COMPARED = 5;

/** The quadratures without the nodes that are outliers: the rest of the spectrum, whose weights sum to its share of the eigenvalues. */
export function withoutOutliers(
  probes: readonly Quadrature[],
  outliers: readonly { readonly value: number }[],
): Quadrature[] {
  const known = new Set(outliers.map(({ value }) => value));
  return probes.map(({ nodes, weights }) => {
    const kept = nodes.map((_, k) => k).filter(k => !known.has(nodes[k]));
    return { nodes: kept.map(k => nodes[k]), weights: kept.map(k => weights[k]) };
  });
}

export interface Apart {
  /** How many eigenvalues stand apart above the bulk; 0 where no gap is clear. */
  readonly count: number;
  /** The lowest of them and the next one below; absent where there are none. */
  readonly gap?: readonly [above: number, below: number];
  /** The most that could have been found: eigenvalues deeper than this have too few gaps below them to compare with. */
  readonly most: number;
}

/**
 * How many eigenvalues stand apart from the bulk above it: those over the deepest gap whose log(λ_k/λ_k+1) is more than three times that of
 * every gap below, of which there must be five.
 *
 * Ratios, as in Ahn & Horenstein's estimator of the number of factors (Econometrica 81, 2013), see gaps far below λ1 where differences
 * don't. If no eigenvalue stood apart and the log gaps were independent and exponential, a gap would be three times the r below it with
 * probability 6/((r + 1)(r + 2)(r + 3)), and some gap in 7 % of spectra at most: Σ over r ≥ 5 is 3/(6 · 7).
 *
 * @param outliers eigenvalues known by themselves
 * @param edge the largest node of the rest; outliers below it leave open what lies between them
 */
export function standingApart(outliers: readonly number[], edge: number): Apart {
  const known = outliers.filter(x => x > 0 && x > edge).sort((a, b) => b - a);
  const values = edge > 0 ? [...known, edge] : known;
  const gaps = values.slice(1).map((below, k) => Math.log(values[k] / below));
  const most = Math.max(0, gaps.length - COMPARED);
  for (let count = most; count > 0; count--) {
    if (gaps[count - 1] > CLEAR * Math.max(...gaps.slice(count)))
      return { count, gap: [values[count - 1], values[count]], most };
  }
  return { count: 0, most };
}

/**
 * A magnitude that half of all eigenvalues at least don't exceed: the smallest node of which that is sure.
 *
 * Where most eigenvalues are, about zero, nodes are too few to read the median off their weights. But between two of a start vector's nodes
 * there is as much of its measure as the nodes strictly between them weigh, or more (Chebyshev, Markov & Stieltjes; Szegő,
 * "Orthogonal Polynomials", §3.41), and nothing lies beyond the ends of the spectrum. Of the mean over the start vectors, the low end of
 * the 95 % interval counts.
 */
export function medianBound(
  probes: readonly Quadrature[],
  outliers: readonly { readonly value: number }[],
): number {
  const rest = withoutOutliers(probes, outliers);
  const all = probes.flatMap(({ nodes }) => nodes);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const surelyWithin = (x: number) => (some: readonly Quadrature[]) => {
    const within = some.map(({ nodes, weights }) => {
      const inside = weights.filter((_, k) => Math.abs(nodes[k]) <= x);
      return inside.slice(-x > low ? 1 : 0, x < high ? -1 : undefined).reduce((sum, w) => sum + w, 0);
    });
    return within.reduce((sum, share) => sum + share, 0) / some.length;
  };
  const magnitudes = all.map(Math.abs).sort((a, b) => a - b);
  // Whatever is within a magnitude is within larger ones as well.
  let [first, last] = [0, magnitudes.length - 1];
  while (first < last) {
    const middle = (first + last) >> 1;
    const [atLeast] = interval95(overProbes(rest, surelyWithin(magnitudes[middle])));
    if (atLeast >= 0.5) last = middle;
    else first = middle + 1;
  }
  return magnitudes[first];
}
