import { bestWithinAll } from './bestWithinAll';
import { cheapestPicks } from './convexPath';
import { type CostedMenu, totalOf } from './limits';

export interface Nearest {
  readonly picks: readonly number[];
  /** By what share the most broken limit is passed; in its own unit where the limit is 0. */
  readonly violation: number;
}

/** Bisection ends where what is known to be possible and impossible are this close. */
const CLOSE = 1e-9;

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
  let low = Math.max(...limits.map((limit, k) => (totalOf(menus, cheapest[k], k) - limit) / unit[k]), 0);
  const atOnce = await within(low);
  if (atOnce) return { picks: atOnce, violation: low };
  let high = Math.min(...cheapest.map(violationOf));
  while (high - low > CLOSE * high) {
    const middle = (low + high) / 2;
    const found = await within(middle);
    if (found) high = Math.min(middle, violationOf(found));
    else low = middle;
  }
  const picks = (await within(high)) ?? cheapest.find(p => violationOf(p) <= high) ?? cheapest[0];
  return { picks, violation: violationOf(picks) };
}
