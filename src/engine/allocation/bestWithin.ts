import { convexPath } from './convexPath';
import { type CostedMenu, inWholeUnits } from './limits';
import { searchWindows, type Search } from './searchWindows';

/**
 * The least sensitive picks under one limit, exactly; no picks where even the cheapest are above it.
 *
 * The convex path goes along the linear relaxation, so the rate of the first step that goes beyond the limit is
 * the relaxation's price of the cost.
 */
export function bestWithin(menus: readonly CostedMenu[], limit: number): Search {
  const whole = inWholeUnits(menus, [limit]);
  const single = whole.menus.map(menu =>
    menu.map(({ sensitivity, costs }) => ({ sensitivity, cost: costs[0] })),
  );
  const { start, steps } = convexPath(single);
  let cost = start.reduce((sum, option, menu) => sum + single[menu][option].cost, 0);
  if (cost > whole.limits[0]) return { gap: 0 };
  const next = steps.find(step => (cost += step.cost) > whole.limits[0]);
  return searchWindows(whole.menus, whole.limits, [next?.rate ?? 0]);
}
