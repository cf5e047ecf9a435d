import { bestWithin } from '../allocation/bestWithin';
import { type Budget, limitOf } from '../allocation/budget';
import { cheapestPicks } from '../allocation/convexPath';
import { paretoFrontier } from '../allocation/frontier';
import { type Group, groupLayers } from '../allocation/groups';
import { type AllocationProblem, totalParameters } from '../allocation/problem';
import { hasErrors, redraw } from '../allocation/redraw';
import type { FrontierPoint, LayerReport } from '../report/schema';
import { type Decisions, undecided } from './decisions';
import { FLOAT32, hasSensitivity, problemOf, withFloat32 } from './reportProblem';

/** Widths for a size, and what they amount to. */
export interface Widths extends FrontierPoint {
  /** False where no widths are within the limit; these are then the smallest, of which no others are nearer. */
  readonly feasible: boolean;
}

/**
 * The widths of a report's layers under pins and ties, for any size. It needs neither HiGHS nor Node, so that pages
 * can choose anew while a slider moves.
 */
export interface Reallocation {
  /** The size in bytes that the least and the largest widths take. */
  readonly smallest: number;
  readonly largest: number;
  /** The limit in bytes that a budget on the size sets. Throws `problem-invalid` for one on another cost. */
  limitOf(budget: Budget): number;
  /** The least sensitive widths within a limit in bytes, exactly. */
  within(limit: number): Widths;
  /** Points of the exact frontier by rising size, at most so many. */
  frontier(most: number): FrontierPoint[];
  /** Whether any sensitivity is an estimate, so that another measurement could lead to other widths. */
  readonly hasErrors: boolean;
  /** The widths that another measurement could have led to, by the draw of `allocation/redraw`. */
  redrawn(limit: number, seed: number, draw: number): Widths['bits'];
}

/**
 * Undefined where no layer has a sensitivity. Throws `problem-invalid` where pins and ties contradict each other, or name
 * layers or widths that the report hasn't.
 */
export function reallocation(
  layers: readonly LayerReport[],
  decisions: Decisions = undecided,
): Reallocation | undefined {
  const measured = problemOf(layers);
  if (measured.layers.length === 0) return undefined;
  const widths = [...new Set(measured.layers.flatMap(({ choices }) => choices.map(({ bits }) => bits)))];
  const pinsFloat = Object.values(decisions.pins).includes(FLOAT32);
  const problem = { ...(pinsFloat ? withFloat32(measured) : measured), ...decisions };
  const groups = groupLayers(problem, widths);
  const menus = menusOf(groups);
  const takesPart = layers.map(hasSensitivity);
  const point = (picks: readonly number[]): FrontierPoint => pointOf(problem, groups, picks, takesPart);
  const extreme = (of: (...costs: number[]) => number): number =>
    groups.reduce((sum, { choices }) => sum + of(...choices.map(({ costs }) => costs[0])), 0);
  const largest = extreme(Math.max);
  return {
    smallest: extreme(Math.min),
    largest,
    limitOf: budget => limitOf(budget, problem, groups).limit,
    within(limit) {
      const { picks } = bestWithin(menus, Math.min(limit, largest));
      return { ...point(picks ?? cheapestPicks(menus, 0)), feasible: picks !== undefined };
    },
    frontier(most) {
      const sized = groups.map(({ choices }) =>
        choices.map(({ sensitivity, costs }) => ({ sensitivity, cost: costs[0] })),
      );
      return paretoFrontier(sized, most).points.map(({ picks }) => point(picks));
    },
    hasErrors: hasErrors(problem),
    redrawn(limit, seed, draw) {
      const redrawn = groupLayers(redraw(problem, seed, draw), widths);
      const { picks } = bestWithin(menusOf(redrawn), Math.min(limit, largest));
      return pointOf(problem, redrawn, picks ?? cheapestPicks(menusOf(redrawn), 0), takesPart).bits;
    },
  };
}

/** The size alone; a report's first cost. */
const menusOf = (groups: readonly Group[]): { sensitivity: number; costs: number[] }[][] =>
  groups.map(({ choices }) =>
    choices.map(({ sensitivity, costs }) => ({ sensitivity, costs: costs.slice(0, 1) })),
  );

function pointOf(
  problem: AllocationProblem,
  groups: readonly Group[],
  picks: readonly number[],
  takesPart: readonly boolean[],
): FrontierPoint {
  const widths = new Array<number>(problem.layers.length).fill(0);
  const chosen = picks.map((pick, g) => groups[g].choices[pick]);
  chosen.forEach(({ bits }, g) => groups[g].members.forEach(i => (widths[i] = bits)));
  const bytes = chosen.reduce((sum, { costs }) => sum + costs[0], 0);
  let next = 0;
  return {
    bytes,
    effectiveBits: (bytes * 8) / (totalParameters(problem) ?? NaN),
    sensitivity: chosen.reduce((sum, { sensitivity }) => sum + sensitivity, 0),
    bits: takesPart.map(part => (part ? widths[next++] : null)),
  };
}
