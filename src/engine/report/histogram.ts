import type { Quadrature } from '../estimators/spectrum';

export interface Bin {
  readonly from: number;
  readonly to: number;
  /** Expected number of eigenvalues in [from, to). */
  readonly count: number;
}

/** Bins of equal width with an edge at 0, over all nodes. */
export function histogram(probes: readonly Quadrature[], size: number, bins: number): Bin[] {
  const nodes = probes.flatMap(p => p.nodes);
  const [low, high] = [Math.min(...nodes), Math.max(...nodes)];
  if (low === high) return [{ from: low, to: high, count: size }];
  const width = (high - low) / bins;
  const first = Math.floor(low / width);
  const counts = new Float64Array(Math.floor(high / width) - first + 1);
  for (const probe of probes)
    probe.nodes.forEach((x, k) => {
      counts[Math.floor(x / width) - first] += (size * probe.weights[k]) / probes.length;
    });
  return Array.from(counts, (count, i) => ({
    from: (first + i) * width,
    to: (first + i + 1) * width,
    count,
  }));
}
