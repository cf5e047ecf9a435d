import { bootstrapInterval, type Interval, spearman } from '../util/rankCorrelation';

/** How well two metrics rank the same single-layer quantizations, by Spearman's ρ. */
export interface Agreement {
  /** Over all layers and widths together. */
  readonly all: number | null;
  readonly allInterval?: Interval;
  /** Among layers of equal width, the mean over widths: what an allocation rests on, since all metrics rank widths alike. */
  readonly acrossLayers: number | null;
  readonly acrossLayersInterval?: Interval;
  /** Among layers, by width. */
  readonly byWidth: Readonly<Record<string, number | null>>;
  /** Pairs of layer and width that have both. */
  readonly count: number;
}

/** A metric by layer and, in the order of the widths, by width; undefined where it was not measured. Larger is worse. */
export type Table = readonly (readonly (number | undefined)[])[];

/**
 * Intervals hold 95 % of redraws of the layers, whose widths go together.
 * @param counted the widths that the mean among layers is taken over; all by default
 */
export function agreement(
  a: Table,
  b: Table,
  widths: readonly number[],
  seed: number,
  counted: readonly number[] = widths,
): Agreement {
  const layers = a.map((_, l) => l);
  const pairsAt = (drawn: readonly number[], width: number): [number, number][] =>
    drawn.flatMap(l => {
      const [x, y] = [a[l][width], b[l][width]];
      return x === undefined || y === undefined ? [] : [[x, y] as [number, number]];
    });
  const rho = (pairs: readonly [number, number][]): number =>
    spearman(
      pairs.map(([x]) => x),
      pairs.map(([, y]) => y),
    );
  const columns = widths.map((_, w) => w);
  const pooled = (drawn: readonly number[]): number => rho(columns.flatMap(w => pairsAt(drawn, w)));
  const within = (drawn: readonly number[]): number => {
    const found = counted.map(b => rho(pairsAt(drawn, widths.indexOf(b)))).filter(r => !Number.isNaN(r));
    return found.reduce((sum, r) => sum + r, 0) / found.length;
  };
  return {
    all: orNull(pooled(layers)),
    allInterval: bootstrapInterval(layers.length, pooled, { seed }),
    acrossLayers: orNull(within(layers)),
    acrossLayersInterval: bootstrapInterval(layers.length, within, { seed }),
    byWidth: Object.fromEntries(widths.map((bits, w) => [String(bits), orNull(rho(pairsAt(layers, w)))])),
    count: columns.reduce((sum, w) => sum + pairsAt(layers, w).length, 0),
  };
}

const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value);
