import { bestWithinAll } from './bestWithinAll';
import { cheapestPicks } from './convexPath';
import { loadHighs } from './highs';
import { solveNearest } from './integerProgram';
import { type CostedMenu, totalOf } from './limits';

export interface Nearest {
  readonly picks: readonly number[];
  /** By what share the most broken limit is passed; in its own unit where the limit is 0. */
  readonly violation: number;
}

/**
 * The picks that pass the limits by the least share, and of these the least sensitive, where no picks are within
 * all limits.
 */
export async function nearestPicks(
  menus: readonly CostedMenu[],
  limits: readonly number[],
): Promise<Nearest> {
  const unit = limits.map(limit => (limit > 0 ? limit : 1));
  const violationOf = (picks: readonly number[]): number =>
    Math.max(...limits.map((limit, k) => (totalOf(menus, picks, k) - limit) / unit[k]));
  const within = async (violation: number): Promise<readonly number[] | undefined> =>
    (
      await bestWithinAll(
        menus,
        limits.map((limit, k) => limit + violation * unit[k]),
      )
    ).picks;
  const cheapest = limits.map((_, k) => cheapestPicks(menus, k));
  // No limit can be passed by less than by the picks that are cheapest for it alone; often that is the answer.
  const low = Math.max(...limits.map((limit, k) => (totalOf(menus, cheapest[k], k) - limit) / unit[k]), 0);
  const atOnce = await within(low);
  if (atOnce) return { picks: atOnce, violation: low };
  const known = cheapest.reduce((a, b) => (violationOf(b) < violationOf(a) ? b : a));
  const least = solveNearest(await loadHighs(), { menus, limits }, unit, known);
  const picks = (await within(violationOf(least))) ?? least;
  return { picks, violation: violationOf(picks) };
}
