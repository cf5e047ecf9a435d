import type { CouplingReport, WithError } from './coupling';

/**
 * ‖H_lm‖/√(‖H_ll‖‖H_mm‖): how much two layers share beside what they have themselves, 1 at most for a positive semidefinite matrix. Undefined where a
 * layer has no curvature of its own. The three norms come from the same random vectors, so their errors are added to first order, which is too much rather than too little.
 */
export function relativeNorm({ norms }: CouplingReport, l: number, m: number): WithError | undefined {
  if (l === m) return { estimate: 1, stderr: 0 };
  const [both, a, b] = [norms[l][m], norms[l][l], norms[m][m]];
  const own = Math.sqrt(a.estimate * b.estimate);
  if (!(own > 0)) return undefined;
  const ownError = (a.stderr / a.estimate + b.stderr / b.estimate) / 2;
  return { estimate: both.estimate / own, stderr: (both.stderr + both.estimate * ownError) / own };
}

/**
 * The share of ‖H‖_F² that lies in each block, both of a pair taken together; the shares of one triangle and the diagonal are 1 in sum. The errors take
 * blocks for independent, which is too much rather than too little.
 */
export function blockShares({ norms }: CouplingReport): WithError[][] {
  const blocks = norms.map((row, l) =>
    row.map(({ estimate, stderr }, m) => {
      const times = l === m ? 1 : 2;
      return { square: times * estimate ** 2, variance: (times * 2 * estimate * stderr) ** 2 };
    }),
  );
  const triangle = blocks.flatMap((row, l) => row.slice(l));
  const all = triangle.reduce((sum, { square }) => sum + square, 0);
  const variances = triangle.reduce((sum, { variance }) => sum + variance, 0);
  return blocks.map(row =>
    row.map(({ square, variance }) => ({
      estimate: square / all,
      stderr: Math.sqrt((all - square) ** 2 * variance + square ** 2 * (variances - variance)) / all ** 2,
    })),
  );
}

export interface CoupledPair {
  readonly l: number;
  readonly m: number;
}

/** The pairs of different layers, the largest first by `size`, which is the norm unless told otherwise. */
export function strongestPairs(
  { norms }: CouplingReport,
  count: number,
  size: (l: number, m: number) => number = (l, m) => norms[l][m].estimate,
): CoupledPair[] {
  return norms
    .flatMap((row, l) => row.slice(l + 1).map((_, i) => ({ l, m: l + 1 + i })))
    .sort((x, y) => size(y.l, y.m) - size(x.l, x.m))
    .slice(0, count);
}
