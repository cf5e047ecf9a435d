import { pairedDifference } from '../sensitivity/sampleMean';
import { type CostedMenu, totalOf, within } from './limits';

/** Sums over single layers that a search follows, and the picks of least sum within the limit, where it begins. */
export interface SumOfLayers {
  /** Options by rising width, the limited cost first. */
  readonly menus: readonly CostedMenu[];
  readonly start: readonly number[];
}

/** What running picks as a whole tells. */
export interface Changes {
  /** Each sample's share of what the outputs change by, all layers quantized together. */
  readonly changes: Float64Array;
}

/** Picks that were run as a whole. */
export type Tried<Result extends Changes> = Result & { readonly picks: readonly number[] };

/** Where joint searches began and ended. */
export interface JointChoice<Result extends Changes> {
  /** Of the first sum. */
  readonly start: Tried<Result>;
  readonly best: Tried<Result>;
  /** How many picks were run, those of least sum included. */
  readonly runs: number;
}

/** An improvement must exceed its own noise by this factor: a search that took any would learn the samples by heart. */
const STANDARD_ERRORS = 1;

/**
 * Looks around the picks of least sum for some that change the outputs less with all layers quantized together. Errors of layers add up or
 * cancel, which no sum over single layers can tell (Deng et al., CLADO, 2023, measure all pairs); sums tell where to look, and each of them
 * overlooks other cancellations, so that each is searched from.
 *
 * Neighbours have one layer a width further up or down, or two in opposite directions. They are run by rising sum, and the search goes on from
 * the first whose change is smaller than the present one by more than the paired standard error. It ends where no neighbour's is. The
 * first sum's end gives way to another's by the same measure.
 *
 * @param sums with the same costs
 * @param limit on the first cost, which all `start` are within
 * @param most picks to run, an equal share of them from each start
 */
export async function jointSearch<Result extends Changes>(
  sums: readonly SumOfLayers[],
  limit: number,
  most: number,
  run: (picks: readonly number[]) => Promise<Result>,
): Promise<JointChoice<Result>> {
  const tried = new Map<string, Tried<Result>>();
  const at = async (picks: readonly number[]): Promise<Tried<Result>> => {
    const key = picks.join();
    if (!tried.has(key)) tried.set(key, { ...(await run(picks)), picks });
    return tried.get(key)!;
  };
  const different = sums.filter(({ start }, s) => sums.findIndex(o => o.start.join() === start.join()) === s);
  const ends: Tried<Result>[] = [];
  for (const { menus, start } of different.slice(0, most))
    ends.push(await descend(menus, await at(start), limit, Math.floor(most / different.length) || 1, at));
  const best = ends.reduce((present, end) => (isBetter(end, present) ? end : present));
  return { start: await at(sums[0].start), best, runs: tried.size };
}

function isBetter(one: Changes, present: Changes): boolean {
  const { value, stderr = 0 } = pairedDifference(present.changes, one.changes);
  return value > STANDARD_ERRORS * stderr;
}

/** @param most picks to look at, `start` included */
async function descend<Result extends Changes>(
  menus: readonly CostedMenu[],
  start: Tried<Result>,
  limit: number,
  most: number,
  at: (picks: readonly number[]) => Promise<Tried<Result>>,
): Promise<Tried<Result>> {
  const seen = new Set([start.picks.join()]);
  const better = async (present: Tried<Result>): Promise<Tried<Result> | undefined> => {
    for (const moves of neighbours(menus, present.picks, limit)) {
      const picks = present.picks.map((pick, m) => moves.find(({ menu }) => menu === m)?.option ?? pick);
      if (seen.has(picks.join())) continue;
      if (seen.size >= most) return undefined;
      seen.add(picks.join());
      const found = await at(picks);
      if (isBetter(found, present)) return found;
    }
    return undefined;
  };
  let best = start;
  for (let next: Tried<Result> | undefined; (next = await better(best)) !== undefined;) best = next;
  return best;
}

/** One layer's pick changed, and what that adds to both sums. */
interface Move {
  readonly menu: number;
  readonly option: number;
  readonly cost: number;
  readonly sensitivity: number;
}

/** One or two moves that stay within the limit, by rising sum of sensitivities. */
function neighbours(
  menus: readonly CostedMenu[],
  picks: readonly number[],
  limit: number,
): (readonly Move[])[] {
  const room = limit - totalOf(menus, picks, 0);
  const towards = (step: 1 | -1): Move[] =>
    menus.flatMap((options, menu) => {
      const [from, to] = [options[picks[menu]], options.at(picks[menu] + step)];
      if (picks[menu] + step < 0 || to === undefined) return [];
      const cost = to.costs[0] - from.costs[0];
      return [{ menu, option: picks[menu] + step, cost, sensitivity: to.sensitivity - from.sensitivity }];
    });
  const [wider, narrower] = [towards(1), towards(-1)];
  const pairs = wider.flatMap(up => narrower.filter(down => down.menu !== up.menu).map(down => [up, down]));
  const total = (moves: readonly Move[], of: (move: Move) => number): number =>
    moves.reduce((sum, move) => sum + of(move), 0);
  return [...[...wider, ...narrower].map(move => [move]), ...pairs]
    .filter(moves =>
      within(
        total(moves, m => m.cost),
        room,
      ),
    )
    .map(moves => ({ moves, sum: total(moves, m => m.sensitivity) }))
    .sort((a, b) => a.sum - b.sum)
    .map(({ moves }) => moves);
}
