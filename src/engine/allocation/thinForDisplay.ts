import { lowerHull } from './lowerHull';
import { type Option } from './points';

/**
 * Indices, rising, of at most `limit` points that show the frontier: both ends, the lower convex hull, and an even
 * part of the others as far as there is room. Where the hull alone is too much, an even part of it.
 */
export function thinForDisplay(points: readonly Option[], limit: number): number[] {
  const all = points.map((_, point) => point);
  if (all.length <= limit) return all;
  const kept = new Set([0, all.length - 1]);
  addEvenly(kept, lowerHull(points), limit);
  addEvenly(kept, all, limit);
  return [...kept].sort((a, b) => a - b);
}

function addEvenly(kept: Set<number>, points: readonly number[], limit: number): void {
  const fresh = points.filter(point => !kept.has(point));
  const count = Math.min(fresh.length, limit - kept.size);
  for (let i = 0; i < count; i++) kept.add(fresh[Math.floor((i * fresh.length) / count)]);
}
