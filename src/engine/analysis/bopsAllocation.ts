import { bestWithin } from '../allocation/bestWithin';
import { limitOf } from '../allocation/budget';
import { cheapestPicks } from '../allocation/convexPath';
import { groupLayers } from '../allocation/groups';
import { costNames } from '../allocation/problem';
import type { Report } from '../report/schema';
import { withActivations } from './activationProblem';
import { problemOf } from './reportProblem';

/** Widths of layers and of `activation:NAME`, and what they amount to. */
export interface BopsWidths {
  readonly bits: ReadonlyMap<string, number>;
  readonly bops: number;
  readonly sensitivity: number;
}

/** Widths under limits on the bit operations, where an activation takes the width of the weights that it is multiplied by. */
export interface BopsAllocation {
  /** Bit operations of one sample with all at their least and at their largest width. */
  readonly smallest: number;
  readonly largest: number;
  /** Half of the way from all at 4 bits to all at 8, as HAWQ-V3 counts it. */
  readonly middle: number;
  /** The least sensitive widths within a limit, exactly; the cheapest where none are within it. */
  within(limit: number): BopsWidths;
}

/** As `allocate` chooses for a budget on BOPs, without HiGHS, for pages. Undefined where the report has no activations, or doesn't know their bit operations. */
export function bopsAllocation({
  layers,
  activations = [],
}: Pick<Report, 'layers' | 'activations'>): BopsAllocation | undefined {
  const problem = withActivations(problemOf(layers), activations, true);
  const cost = costNames(problem).indexOf('bops');
  if (cost < 0 || activations.length === 0) return undefined;
  const widths = [...new Set(problem.layers.flatMap(({ choices }) => choices.map(({ bits }) => bits)))];
  const groups = groupLayers(problem, widths);
  const menus = groups.map(({ choices }) =>
    choices.map(({ sensitivity, costs }) => ({ sensitivity, costs: [costs[cost]] })),
  );
  const extreme = (of: (...costs: number[]) => number): number =>
    menus.reduce((sum, menu) => sum + of(...menu.map(({ costs }) => costs[0])), 0);
  const largest = extreme(Math.max);
  const half = { kind: 'fraction', fraction: 0.5 } as const;
  return {
    smallest: extreme(Math.min),
    largest,
    middle: limitOf({ cost: 'bops', amount: half }, problem, groups).limit,
    within(limit) {
      const picks = bestWithin(menus, Math.min(limit, largest)).picks ?? cheapestPicks(menus, 0);
      const chosen = picks.map((pick, g) => ({ ...groups[g].choices[pick], members: groups[g].members }));
      return {
        bits: new Map(
          chosen.flatMap(({ bits, members }) => members.map(i => [problem.layers[i].name, bits])),
        ),
        bops: chosen.reduce((sum, { costs }) => sum + costs[cost], 0),
        sensitivity: chosen.reduce((sum, { sensitivity }) => sum + sensitivity, 0),
      };
    },
  };
}
