import type { Quadrature } from '../../src/engine/estimators/spectrum';

/** W₁ between the mean of some quadratures and the spectrum itself: ∫ |Φ − Φ'| of the two distribution functions. */
export function wassersteinDistance(probes: readonly Quadrature[], eigenvalues: readonly number[]): number {
  const jumps = [
    ...eigenvalues.map(x => ({ x, by: 1 / eigenvalues.length })),
    ...probes.flatMap(({ nodes, weights }) => nodes.map((x, k) => ({ x, by: -weights[k] / probes.length }))),
  ].sort((a, b) => a.x - b.x);
  let [distance, difference] = [0, 0];
  jumps.forEach(({ x, by }, i) => {
    difference += by;
    if (i + 1 < jumps.length) distance += Math.abs(difference) * (jumps[i + 1].x - x);
  });
  return distance;
}
