import { bestWithin } from './bestWithin';
import { convexPath, undominated } from './convexPath';
import { type Menu, merge, origin, type Points } from './points';
import { thinForDisplay } from './thinForDisplay';

/** Picks that no others beat in both cost and sensitivity. */
export interface FrontierPoint {
  readonly cost: number;
  readonly sensitivity: number;
  /** The index of the option picked in each menu. */
  readonly picks: readonly number[];
}

export interface Frontier {
  /** By rising cost and strictly falling sensitivity. Every point is on the exact frontier. */
  readonly points: readonly FrontierPoint[];
  /** Whether these are all there are. */
  readonly isComplete: boolean;
}

/** Partial picks up to which the whole frontier is made. */
const MOST_POINTS = 100_000;
/** Stretches of the cost in each of which a point is looked for where the convex path leaves a hole. */
const STRETCHES = 64;

/**
 * The Pareto frontier, or where it has too many points a part that shows it: its ends, the corners of its convex
 * hull, and points between, `limit` at most.
 */
export function paretoFrontier(menus: readonly Menu[], limit: number): Frontier {
  const whole = wholeFrontier(menus);
  if (!whole) return thinned(outline(menus), limit, false);
  return thinned(whole, limit, true);
}

function thinned(points: readonly FrontierPoint[], limit: number, isWhole: boolean): Frontier {
  const shown = thinForDisplay(points, limit);
  return { points: shown.map(i => points[i]), isComplete: isWhole && shown.length === points.length };
}

/**
 * All points, menu by menu: each point of the menus so far is extended by each option, and what is dominated goes.
 * Undefined where they become too many.
 */
function wholeFrontier(menus: readonly Menu[]): FrontierPoint[] | undefined {
  const layers: { points: Points; options: readonly number[] }[] = [];
  let points = origin();
  for (const menu of menus) {
    const options = undominated(menu);
    points = merge(options.map(i => ({ points, option: menu[i] })));
    if (points.cost.length > MOST_POINTS) return undefined;
    layers.push({ points, options });
  }
  const traced = Array.from(points.cost, (_, point) => {
    const picks = new Array<number>(menus.length);
    for (let m = menus.length - 1, at = point; m >= 0; m--) {
      picks[m] = layers[m].options[layers[m].points.source[at]];
      at = layers[m].points.parent[at];
    }
    return pointOf(menus, picks);
  });
  return withoutRounding(traced);
}

/** Points that are all on the frontier: the convex path's, and the best ones at even costs where it has none. */
function outline(menus: readonly Menu[]): FrontierPoint[] {
  const { start, steps } = convexPath(menus);
  const picks = [...start];
  const path = [pointOf(menus, picks)];
  for (const step of steps) {
    picks[step.menu] = step.option;
    path.push(pointOf(menus, [...picks]));
  }
  const costed = menus.map(menu => menu.map(({ sensitivity, cost }) => ({ sensitivity, costs: [cost] })));
  const [low, high] = [path[0].cost, path[path.length - 1].cost];
  const stretch = (high - low) / STRETCHES;
  const between = Array.from({ length: STRETCHES - 1 }, (_, i) => low + (i + 1) * stretch)
    .filter(cost => !path.some(point => Math.abs(point.cost - cost) <= stretch / 2))
    .flatMap(cost => {
      const found = bestWithin(costed, cost);
      return found.picks && found.gap === 0 ? [pointOf(menus, found.picks)] : [];
    });
  const all = [...path, ...between].sort((a, b) => a.cost - b.cost || a.sensitivity - b.sensitivity);
  return withoutRounding(all);
}

function pointOf(menus: readonly Menu[], picks: readonly number[]): FrontierPoint {
  const sum = (value: (option: Menu[number]) => number): number =>
    picks.reduce((total, option, menu) => total + value(menus[menu][option]), 0);
  return { cost: sum(o => o.cost), sensitivity: sum(o => o.sensitivity), picks };
}

/** A difference below this share is that of sums in another order. */
const ROUNDING = 1e-12;

/** Without points that are only better by rounding: those as costly as the next, or as sensitive as the last. */
function withoutRounding(points: readonly FrontierPoint[]): FrontierPoint[] {
  const kept: FrontierPoint[] = [];
  const isMore = (a: number, b: number): boolean => a - b > ROUNDING * Math.max(Math.abs(a), Math.abs(b));
  for (const point of points) {
    while (kept.length > 0 && !isMore(point.cost, kept[kept.length - 1].cost)) {
      if (!isMore(kept[kept.length - 1].sensitivity, point.sensitivity)) break;
      kept.pop();
    }
    const last = kept[kept.length - 1];
    if (last === undefined || isMore(last.sensitivity, point.sensitivity)) kept.push(point);
  }
  return kept;
}
