/** One width that a layer, or layers tied together, could take: what it costs and how sensitive it leaves the loss. */
export interface Option {
  readonly cost: number;
  readonly sensitivity: number;
}

/** At least one option, of which one is picked. */
export type Menu = readonly Option[];

/**
 * Sums over the options picked so far that no other sums beat in both, by rising cost and strictly falling
 * sensitivity.
 */
export interface Points {
  readonly cost: Float64Array;
  readonly sensitivity: Float64Array;
  /** Which of the sources that were merged a point comes from, and its index there. */
  readonly source: Uint16Array;
  readonly parent: Uint32Array;
}

/** Points that all pick one option more. */
export interface Source {
  readonly points: Pick<Points, 'cost' | 'sensitivity'>;
  readonly option: Option;
}

/** The one point of nothing picked. */
export const origin = (): Points => ({
  cost: new Float64Array(1),
  sensitivity: new Float64Array(1),
  source: new Uint16Array(1),
  parent: new Uint32Array(1),
});

/**
 * The frontier of all sources together. An option shifts a sorted frontier as a whole, so one merge of the
 * shifted lists sorts and prunes at once (Nemhauser & Ullmann, Management Science 15, 1969), in
 * O(points × sources).
 */
export function merge(sources: readonly Source[]): Points {
  const count = sources.length;
  const lengths = Uint32Array.from(sources, s => s.points.cost.length);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const cost = new Float64Array(total);
  const sensitivity = new Float64Array(total);
  const source = new Uint16Array(total);
  const parent = new Uint32Array(total);
  // The head of each list, shifted; an exhausted list has an infinite head.
  const heads = new Uint32Array(count);
  const headCost = new Float64Array(count);
  const headSensitivity = new Float64Array(count);
  const advance = (s: number): void => {
    const { points, option } = sources[s];
    const at = heads[s];
    headCost[s] = at < lengths[s] ? points.cost[at] + option.cost : Infinity;
    headSensitivity[s] = at < lengths[s] ? points.sensitivity[at] + option.sensitivity : Infinity;
  };
  for (let s = 0; s < count; s++) advance(s);

  let size = 0;
  let least = Infinity;
  for (let taken = 0; taken < total; taken++) {
    let best = 0;
    for (let s = 1; s < count; s++) {
      const difference = headCost[s] - headCost[best];
      if (difference < 0 || (difference === 0 && headSensitivity[s] < headSensitivity[best])) best = s;
    }
    if (headSensitivity[best] < least) {
      least = headSensitivity[best];
      cost[size] = headCost[best];
      sensitivity[size] = least;
      source[size] = best;
      parent[size] = heads[best];
      size += 1;
    }
    heads[best] += 1;
    advance(best);
  }
  return {
    cost: cost.slice(0, size),
    sensitivity: sensitivity.slice(0, size),
    source: source.slice(0, size),
    parent: parent.slice(0, size),
  };
}
