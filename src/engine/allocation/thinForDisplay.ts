import { type Frontier } from './frontier';

/**
 * Indices, rising, of at most `limit` points that show the frontier: both ends, the chosen point, the lower
 * convex hull, and an even part of the others as far as there is room. Where the hull alone is too much, an
 * even part of it.
 */
export function thinForDisplay(frontier: Frontier, limit: number, chosen?: number): number[] {
  const all = Array.from({ length: frontier.size }, (_, point) => point);
  if (all.length <= limit) return all;
  const kept = new Set([0, all.length - 1, ...(chosen === undefined ? [] : [chosen])]);
  addEvenly(kept, lowerHull(frontier), limit);
  addEvenly(kept, all, limit);
  return [...kept].sort((a, b) => a - b);
}

function addEvenly(kept: Set<number>, points: readonly number[], limit: number): void {
  const fresh = points.filter(point => !kept.has(point));
  const count = Math.min(fresh.length, limit - kept.size);
  for (let i = 0; i < count; i++) kept.add(fresh[Math.floor((i * fresh.length) / count)]);
}

/**
 * The corners of the lower convex hull (Andrew's monotone chain): what a Lagrange multiplier could choose.
 */
function lowerHull({ size, bytes, sensitivity }: Frontier): number[] {
  const hull: number[] = [];
  for (let point = 0; point < size; point++) {
    for (;;) {
      const [a, b] = hull.slice(-2);
      if (b === undefined) break;
      const turn =
        (bytes[b] - bytes[a]) * (sensitivity[point] - sensitivity[a]) -
        (sensitivity[b] - sensitivity[a]) * (bytes[point] - bytes[a]);
      if (turn > 0) break;
      hull.pop();
    }
    hull.push(point);
  }
  return hull;
}
