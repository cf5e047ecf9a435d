import { type CostedMenu } from './limits';
import { type Menu } from './points';
import { lowerHull } from './lowerHull';

/** From one corner of a menu's lower convex hull to the next: more cost, less sensitivity. */
export interface Step {
  readonly menu: number;
  /** The option that the step leads to. */
  readonly option: number;
  /** What is added; above 0. */
  readonly cost: number;
  /** What is added; below 0. */
  readonly sensitivity: number;
  /** Sensitivity saved per cost. */
  readonly rate: number;
}

export interface ConvexPath {
  /** The option of each menu that costs least. */
  readonly start: readonly number[];
  /** By falling rate. */
  readonly steps: readonly Step[];
}

/**
 * The corners of the lower convex hull of all sums, in order: after each step the picks are what some Lagrange
 * multiplier would choose, so no other picks are better in both cost and sensitivity.
 *
 * O(options · log options). Where two rates are equal the point between lies on an edge of the hull.
 */
export function convexPath(menus: readonly Menu[]): ConvexPath {
  const hulls = menus.map(hullOf);
  const steps = hulls.flatMap((hull, menu) => {
    let limit = Infinity;
    return hull.slice(1).map((option, i): Step => {
      const [from, to] = [menus[menu][hull[i]], menus[menu][option]];
      const cost = to.cost - from.cost;
      const sensitivity = to.sensitivity - from.sensitivity;
      // A convex corner may be turned by rounding; the steps of a menu must stay in their order.
      limit = Math.min(limit, -sensitivity / cost);
      return { menu, option, cost, sensitivity, rate: limit };
    });
  });
  return { start: hulls.map(hull => hull[0]), steps: steps.sort((a, b) => b.rate - a.rate) };
}

/** The options that no other beats in both, by rising cost; of equal ones the first. */
export function undominated(menu: Menu): number[] {
  const order = menu.map((_, i) => i);
  order.sort((a, b) => menu[a].cost - menu[b].cost || menu[a].sensitivity - menu[b].sensitivity);
  let least = Infinity;
  return order.filter(i => menu[i].sensitivity < least && ((least = menu[i].sensitivity), true));
}

/** The corners of the lower convex hull of a menu's options, by rising cost. */
function hullOf(menu: Menu): number[] {
  const order = undominated(menu);
  return lowerHull(order.map(i => menu[i])).map(i => order[i]);
}

/** The picks that are cheapest by one cost. */
export const cheapestPicks = (menus: readonly CostedMenu[], k: number): readonly number[] =>
  convexPath(menus.map(menu => menu.map(({ sensitivity, costs }) => ({ sensitivity, cost: costs[k] }))))
    .start;
