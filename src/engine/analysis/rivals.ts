import { bestWithin } from '../allocation/bestWithin';
import type { CostedMenu } from '../allocation/limits';
import { cheapestPicks } from '../allocation/convexPath';
import { randomWithin } from '../allocation/randomWithin';
import type { MetricName } from '../report/metrics';
import type { ProofAllocation } from '../report/proof';
import { Rng } from '../util/rng';

/** A layer as rivals choose its width: what each width takes, and what each metric says of it as a cost that adds up. */
export interface RivalLayer {
  readonly name: string;
  readonly choices: readonly {
    readonly bits: number;
    readonly bytes: number;
    readonly costs: Partial<Readonly<Record<MetricName, number>>>;
  }[];
}

/** Widths to compare, by layer. */
export type Candidate = Pick<ProofAllocation, 'name' | 'kind' | 'bits'>;

const bitsOf = (layers: readonly RivalLayer[], picks: readonly number[]): Record<string, number> =>
  Object.fromEntries(layers.map(({ name, choices }, l) => [name, choices[picks[l]].bits]));

const menusBy = (layers: readonly RivalLayer[], metric?: MetricName): CostedMenu[] =>
  layers.map(({ choices }) =>
    choices.map(({ bytes, costs }) => ({ sensitivity: metric ? costs[metric]! : 0, costs: [bytes] })),
  );

/** The widths with the least sum of a metric's costs within so many bytes; undefined where a layer lacks the metric. */
export function chosenBy(
  layers: readonly RivalLayer[],
  metric: MetricName,
  bytes: number,
): Candidate | undefined {
  if (layers.some(({ choices }) => choices.some(({ costs }) => costs[metric] === undefined)))
    return undefined;
  const menus = menusBy(layers, metric);
  const { picks } = bestWithin(menus, bytes);
  return { name: metric, kind: 'metric', bits: bitsOf(layers, picks ?? cheapestPicks(menus, 0)) };
}

/** Draws for each rival that is wanted, after which there are taken to be no more: small models repeat themselves. */
const DRAWS_PER_RIVAL = 50;

/** Different widths drawn at random that fill as many bytes, other than those of the suggestion; fewer where so many don't turn up. */
export function drawn(
  layers: readonly RivalLayer[],
  bytes: number,
  count: number,
  seed: number,
  suggestion: Candidate,
): Candidate[] {
  const keyOf = (bits: Candidate['bits']): string => layers.map(({ name }) => bits[name]).join();
  const menus = menusBy(layers);
  const found = new Map([[keyOf(suggestion.bits), suggestion.bits]]);
  for (let k = 0; found.size <= count && k < DRAWS_PER_RIVAL * count; k++) {
    const bits = bitsOf(layers, randomWithin(menus, bytes, Rng.of(seed, 'random widths', k)));
    found.set(keyOf(bits), bits);
  }
  const [, ...rivals] = found.values();
  return rivals.map((bits, k) => ({ name: `random ${k + 1}`, kind: 'random', bits }));
}

export const uniformly = (layers: readonly RivalLayer[], bits: number): Candidate => ({
  name: `uniform ${bits}`,
  kind: 'uniform',
  bits: Object.fromEntries(layers.map(({ name }) => [name, bits])),
});
