import { bestWithin } from './bestWithin';
import { loadHighs } from './highs';
import { shadowPrices, solveInteger } from './integerProgram';
import { type CostedMenu, inWholeUnits, within } from './limits';
import { type Search, searchWindows } from './searchWindows';

/** More than what the linear program's tolerance can be of a limit. */
const LOOSE = 1e-6;

/**
 * The least sensitive picks whose every cost is within its limit, exactly; no picks where there are none.
 *
 * HiGHS gives the shadow prices of the linear relaxation; where a search with them doesn't come to an end, it
 * solves the integer program itself.
 */
export async function bestWithinAll(
  menus: readonly CostedMenu[],
  limits: readonly number[],
): Promise<Search> {
  const binding = limits.flatMap((limit, k) => (within(largestTotal(menus, k), limit) ? [] : [k]));
  const bound = menus.map(menu =>
    menu.map(({ sensitivity, costs }) => ({ sensitivity, costs: binding.map(k => costs[k]) })),
  );
  const bounds = binding.map(k => limits[k]);
  if (bounds.length === 0) return { picks: menus.map(leastSensitive), gap: 0 };
  if (bounds.length === 1) return bestWithin(bound, bounds[0]);
  const highs = await loadHighs();
  const whole = inWholeUnits(bound, bounds);
  // Limits that only one choice meets exactly look infeasible to the linear program; the search can tell.
  const loose = { menus: whole.menus, limits: whole.limits.map(limit => limit * (1 + LOOSE)) };
  const prices = shadowPrices(highs, whole) ?? shadowPrices(highs, loose);
  if (!prices) return { gap: 0 };
  const found = searchWindows(whole.menus, whole.limits, prices);
  return found.gap === 0 ? found : solveInteger(highs, whole, found);
}

const largestTotal = (menus: readonly CostedMenu[], k: number): number =>
  menus.reduce((sum, menu) => sum + Math.max(...menu.map(({ costs }) => costs[k])), 0);

const leastSensitive = (menu: CostedMenu): number => {
  const values = menu.map(({ sensitivity }) => sensitivity);
  return values.indexOf(Math.min(...values));
};
