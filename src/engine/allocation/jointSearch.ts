import { pairedDifference } from '../sensitivity/sampleMean';
import { type CostedMenu, totalOf, within } from './limits';

/** Picks that were run as a whole. */
export interface Tried {
  readonly picks: readonly number[];
  /** Each sample's share of what the outputs change by, all layers quantized together. */
  readonly changes: Float64Array;
}

/** Where a joint search began and ended. */
export interface JointChoice {
  readonly start: Tried;
  readonly best: Tried;
  /** How many picks were run, the first ones included. */
  readonly runs: number;
}

/** An improvement must exceed its own noise by this factor: a search that took any would learn the samples by heart. */
const STANDARD_ERRORS = 1;

/**
 * Looks around the picks of least sum for some that change the outputs less with all layers quantized together. Errors of layers add up or
 * cancel, which no sum over single layers can tell (Deng et al., CLADO, 2023, measure all pairs); sums tell where to look.
 *
 * Neighbours have one layer a width further up or down, or two in opposite directions. They are run by rising sum, and the search goes on from
 * the first whose change is smaller than the present one by more than the paired standard error. It ends where no neighbour's is.
 *
 * @param menus options by rising width, the limited cost first
 * @param limit on that cost, which `start` is within
 * @param most picks to run
 * @param run resolves to `Tried.changes`
 */
export async function jointSearch(
  menus: readonly CostedMenu[],
  start: readonly number[],
  limit: number,
  most: number,
  run: (picks: readonly number[]) => Promise<Float64Array>,
): Promise<JointChoice> {
  const seen = new Set([start.join()]);
  const first: Tried = { picks: start, changes: await run(start) };
  const better = async (present: Tried): Promise<Tried | undefined> => {
    for (const moves of neighbours(menus, present.picks, limit)) {
      const picks = present.picks.map((pick, m) => moves.find(({ menu }) => menu === m)?.option ?? pick);
      if (seen.has(picks.join())) continue;
      if (seen.size >= most) return undefined;
      seen.add(picks.join());
      const changes = await run(picks);
      const { value, stderr = 0 } = pairedDifference(present.changes, changes);
      if (value > STANDARD_ERRORS * stderr) return { picks, changes };
    }
    return undefined;
  };
  let best = first;
  for (let next: Tried | undefined; (next = await better(best)) !== undefined;) best = next;
  return { start: first, best, runs: seen.size };
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
