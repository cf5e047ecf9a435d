import type { LayerReport } from '../../src/engine/report/schema';
import type { SortKey } from './layerColumns';

function compare(a: SortKey, b: SortKey): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a).localeCompare(String(b), 'en', { numeric: true });
}

/** Positions of the layers in the order of a key; without one, in the order of the network. */
export function sortedPositions(
  layers: readonly LayerReport[],
  key: ((layer: LayerReport) => SortKey) | undefined,
  descending: boolean,
): number[] {
  const positions = layers.map((_, index) => index);
  if (!key) return descending ? positions.reverse() : positions;
  const keys = layers.map(key);
  return positions.sort((a, b) => {
    const [left, right] = [keys[a], keys[b]];
    if (left === undefined || right === undefined)
      return Number(left === undefined) - Number(right === undefined) || a - b;
    return (descending ? -1 : 1) * compare(left, right) || a - b;
  });
}
