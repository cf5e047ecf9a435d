import type { Quadrature } from '../estimators/spectrum';

/** Gradient descent's fastest settings for curvatures between two bounds. */
export interface Suggestion {
  readonly learningRate: number;
  readonly momentum: number;
  /** The curvatures that they are made for. */
  readonly from: number;
  readonly to: number;
  /** The share of the positive curvature that these make up; 1 where all eigenvalues lie between. */
  readonly share: number;
}

/** Where no eigenvalue bounds the curvature from below, those count that make up so much of the positive part. */
const SHARE = 0.9;

/**
 * Polyak's heavy ball for eigenvalues of μ to λ: η = (2/(√λ + √μ))², β = ((√κ − 1)/(√κ + 1))², κ = λ/μ; every direction between shrinks by √β a step.
 * A loss of a network is mostly flat or bent downwards somewhere: μ is then the least of the eigenvalues that make up 90 % of the
 * positive curvature.
 */
export function suggest(
  { largest, smallest }: { readonly largest: number; readonly smallest: number },
  quadratures: readonly Quadrature[],
): Suggestion {
  const isConvex = smallest > 0;
  const from = isConvex ? smallest : leastOfShare(quadratures);
  const [a, b] = [Math.sqrt(largest), Math.sqrt(from)];
  return {
    learningRate: (2 / (a + b)) ** 2,
    momentum: ((a - b) / (a + b)) ** 2,
    ...{ from, to: largest, share: isConvex ? 1 : SHARE },
  };
}

function leastOfShare(quadratures: readonly Quadrature[]): number {
  const positive = quadratures
    .flatMap(({ nodes, weights }) => nodes.map((node, k) => ({ node, mass: node * weights[k] })))
    .filter(({ node }) => node > 0)
    .sort((a, b) => b.node - a.node);
  const all = positive.reduce((sum, { mass }) => sum + mass, 0);
  let sum = 0;
  return (positive.find(({ mass }) => (sum += mass) >= SHARE * all) ?? positive[positive.length - 1]).node;
}
