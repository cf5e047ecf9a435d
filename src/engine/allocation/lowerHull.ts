import { type Option } from './points';

/**
 * Indices of the corners of the lower convex hull (Andrew's monotone chain): what a Lagrange multiplier could choose.
 *
 * @param points by rising cost
 */
export function lowerHull(points: readonly Option[]): number[] {
  const hull: number[] = [];
  points.forEach((c, next) => {
    for (;;) {
      const [a, b] = hull.slice(-2).map(i => points[i]);
      if (b === undefined) break;
      const turn =
        (b.cost - a.cost) * (c.sensitivity - a.sensitivity) -
        (b.sensitivity - a.sensitivity) * (c.cost - a.cost);
      if (turn > 0) break;
      hull.pop();
    }
    hull.push(next);
  });
  return hull;
}
