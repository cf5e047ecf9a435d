import { CurvatureError } from '../errors';
import { bestWithinAll } from './bestWithinAll';
import { type Budget, limitOf } from './budget';
import { type Frontier, paretoFrontier } from './frontier';
import { type Group, groupLayers } from './groups';
import { totalOf, within } from './limits';
import { monotoneFrontier } from './monotone';
import { nearestPicks } from './nearest';
import { type AllocatableLayer, type AllocationProblem, costNames, type Limit } from './problem';
import { hasErrors, redraw } from './redraw';

/** How widths are chosen: exactly; as HAWQ-V2, by its monotone frontier; as HAWQ-V3, from 4 and 8 bits alone. */
export const methods = ['pareto', 'hawq-v2', 'hawq-v3'] as const;
export type AllocationMethod = (typeof methods)[number];

export interface AllocationOptions {
  readonly method: AllocationMethod;
  /** The width of the first and the last layer, where no pin says otherwise. */
  readonly firstLast?: number;
  readonly seed: number;
  /** How often the sensitivities are redrawn from their errors; 0 for never. */
  readonly draws: number;
}

/** Widths by layer, and what they amount to. */
export interface Answer {
  readonly method: AllocationMethod;
  /** Whether all budgets are met; else the widths are those that pass them by the least share. */
  readonly feasible: boolean;
  readonly bits: Readonly<Record<string, number>>;
  /** The sum of the sensitivities. */
  readonly objective: number;
  /** Totals of all costs. */
  readonly costs: Readonly<Record<string, number>>;
  readonly budgets: readonly (Limit & { readonly total: number })[];
  /** The costs whose budgets stand in the way of a better choice, or where there is none, of any. */
  readonly binding: readonly string[];
  /** Only where the budgets can't be met: by what share they are passed, and the limits that would do. */
  readonly nearest?: { readonly violation: number; readonly limits: Readonly<Record<string, number>> };
  readonly message?: string;
  /** Only where the search was given up: no choice is better by more than this. */
  readonly gap?: number;
  /** Share of the draws in which a layer keeps its width; only where sensitivities have errors. */
  readonly stability?: Readonly<Record<string, number>>;
  readonly draws?: number;
  readonly seed?: number;
  /** Against the one cost that is limited; widths in the order of the layers. */
  readonly frontier?: readonly {
    readonly objective: number;
    readonly costs: Readonly<Record<string, number>>;
    readonly bits: readonly number[];
  }[];
  /** Whether the frontier has no points but these. */
  readonly frontierComplete?: boolean;
}

const FRONTIER_POINTS = 10_000;
const HAWQ_V3_WIDTHS = [4, 8];

/**
 * Solves the problem under the budgets. Throws `problem-invalid` and `option-invalid`.
 */
export async function answer(
  given: AllocationProblem,
  budgets: readonly Budget[],
  options: AllocationOptions,
): Promise<Answer> {
  const problem = withFirstLast(given, options.firstLast);
  const groups = groupsOf(problem, options);
  const limits = budgets.map(budget => limitOf(budget, problem, groups));
  if (options.method === 'hawq-v2' && limits.length !== 1) {
    throw new CurvatureError(
      'option-invalid',
      `HAWQ-V2 knows one budget, and there are ${limits.length}.`,
      "Give one, or choose by the method 'pareto'.",
    );
  }
  const chosen = await choose(problem, groups, limits, options.method);
  const names = costNames(problem);
  const bits = spread(groups, chosen.picks, problem.layers.length);
  const costs = Object.fromEntries(
    names.map((name, k) => [
      name,
      totalOf(
        groups.map(g => g.choices),
        chosen.picks,
        k,
      ),
    ]),
  );
  return {
    method: options.method,
    feasible: chosen.violation === undefined,
    bits: Object.fromEntries(problem.layers.map(({ name }, l) => [name, bits[l]])),
    objective: objectiveOf(groups, chosen.picks),
    costs,
    budgets: limits.map(({ cost, limit }) => ({ cost, limit, total: costs[cost] })),
    ...(await reasons(problem, groups, limits, chosen, costs, options.method)),
    ...(chosen.gap > 0 ? { gap: chosen.gap } : {}),
    ...(chosen.violation === undefined ? await stabilityOf(problem, limits, bits, options) : {}),
    ...frontierOf(problem, groups, limits, options.method),
  };
}

/** First and last layer with weights pinned, unless they or what they are tied to are pinned already. */
function withFirstLast(problem: AllocationProblem, bits: number | undefined): AllocationProblem {
  if (bits === undefined) return problem;
  const isLayer = ({ parameters }: AllocatableLayer): boolean => parameters !== 0;
  const ends = new Set([problem.layers.findIndex(isLayer), problem.layers.findLastIndex(isLayer)]);
  const pins = Object.fromEntries(
    groupLayers(problem).flatMap(({ members }) => {
      const end = members.find(i => ends.has(i));
      const isPinned = members.some(i => Object.hasOwn(problem.pins, problem.layers[i].name));
      return end === undefined || isPinned ? [] : [[problem.layers[end].name, bits]];
    }),
  );
  return { ...problem, pins: { ...problem.pins, ...pins } };
}

const groupsOf = (problem: AllocationProblem, { method }: Pick<AllocationOptions, 'method'>): Group[] =>
  groupLayers(problem, method === 'hawq-v3' ? HAWQ_V3_WIDTHS : undefined);

interface Chosen {
  readonly picks: readonly number[];
  readonly gap: number;
  /** Only where no picks are within the limits. */
  readonly violation?: number;
}

async function choose(
  problem: AllocationProblem,
  groups: readonly Group[],
  limits: readonly Limit[],
  method: AllocationMethod,
): Promise<Chosen> {
  if (method === 'hawq-v2') return chooseMonotone(problem, groups, limits[0]);
  const menus = menusOf(problem, groups, limits);
  const values = limits.map(({ limit }) => limit);
  const { picks, gap } = await bestWithinAll(menus, values);
  return picks ? { picks, gap } : { ...(await nearestPicks(menus, values)), gap: 0 };
}

function chooseMonotone(
  problem: AllocationProblem,
  groups: readonly Group[],
  { cost, limit }: Limit,
): Chosen {
  const { points } = hawqV2Frontier(problem, groups, cost);
  const best = points.findLast(point => within(point.cost, limit));
  if (best) return { picks: best.picks, gap: 0 };
  return { picks: points[0].picks, gap: 0, violation: (points[0].cost - limit) / (limit || 1) };
}

function hawqV2Frontier(problem: AllocationProblem, groups: readonly Group[], cost: string): Frontier {
  const order = groups.map((_, g) => g).sort((a, b) => traceOf(groups[b]) - traceOf(groups[a]));
  return monotoneFrontier(groups, order, costNames(problem).indexOf(cost));

  /** The mean over the weights of tied layers, an activation as one more; where a file gives no traces, Ω at the smallest width stands for them. */
  function traceOf({ members, choices }: Group): number {
    const layers = members.map(i => problem.layers[i]);
    if (problem.layers.some(({ averageTrace }) => averageTrace === undefined)) {
      return choices.reduce((a, b) => (b.bits < a.bits ? b : a)).sensitivity;
    }
    const weights = layers.map(({ parameters }) => parameters || 1);
    const sum = layers.reduce((total, { averageTrace }, i) => total + averageTrace! * weights[i], 0);
    return sum / weights.reduce((total, weight) => total + weight, 0);
  }
}

/** The groups' choices with the limited costs alone, in the order of the limits. */
function menusOf(
  problem: AllocationProblem,
  groups: readonly Group[],
  limits: readonly Limit[],
): { sensitivity: number; costs: number[] }[][] {
  const names = costNames(problem);
  const which = limits.map(({ cost }) => names.indexOf(cost));
  return groups.map(({ choices }) =>
    choices.map(({ sensitivity, costs }) => ({ sensitivity, costs: which.map(k => costs[k]) })),
  );
}

const objectiveOf = (groups: readonly Group[], picks: readonly number[]): number =>
  picks.reduce((sum, choice, g) => sum + groups[g].choices[choice].sensitivity, 0);

/** The width of each layer. */
function spread(groups: readonly Group[], picks: readonly number[], layers: number): number[] {
  const bits = new Array<number>(layers).fill(0);
  groups.forEach(({ members, choices }, g) => members.forEach(i => (bits[i] = choices[picks[g]].bits)));
  return bits;
}

async function reasons(
  problem: AllocationProblem,
  groups: readonly Group[],
  limits: readonly Limit[],
  chosen: Chosen,
  costs: Readonly<Record<string, number>>,
  method: AllocationMethod,
): Promise<Pick<Answer, 'binding' | 'nearest' | 'message'>> {
  const { violation } = chosen;
  if (violation !== undefined) {
    const broken = limits.filter(({ cost, limit }) => !within(costs[cost], limit));
    const binding = unique(broken.map(({ cost }) => cost));
    const told = broken.map(({ cost, limit }) => `${cost} ${costs[cost]} for a limit of ${limit}`);
    return {
      binding,
      nearest: {
        violation,
        limits: Object.fromEntries(limits.map(({ cost, limit }) => [cost, Math.max(limit, costs[cost])])),
      },
      message: `The budgets can't be met. The nearest choice has ${told.join(', ')}.`,
    };
  }
  const objective = objectiveOf(groups, chosen.picks);
  const binding: string[] = [];
  for (const limit of limits) {
    const others = limits.filter(other => other !== limit);
    const freed = await choose(problem, groups, others, method === 'hawq-v2' ? 'pareto' : method);
    const gain = objective - objectiveOf(groups, freed.picks);
    if (gain > 1e-12 * Math.abs(objective)) binding.push(limit.cost);
  }
  return { binding: unique(binding) };
}

const unique = (names: readonly string[]): string[] => [...new Set(names)];

async function stabilityOf(
  problem: AllocationProblem,
  limits: readonly Limit[],
  bits: readonly number[],
  { method, seed, draws }: AllocationOptions,
): Promise<Pick<Answer, 'stability' | 'draws' | 'seed'>> {
  if (draws === 0 || !hasErrors(problem)) return {};
  const kept = problem.layers.map(() => 0);
  for (let draw = 0; draw < draws; draw++) {
    const redrawn = redraw(problem, seed, draw);
    const groups = groupsOf(redrawn, { method });
    const { picks } = await choose(redrawn, groups, limits, method);
    spread(groups, picks, bits.length).forEach((width, l) => (kept[l] += Number(width === bits[l])));
  }
  return {
    stability: Object.fromEntries(problem.layers.map(({ name }, l) => [name, kept[l] / draws])),
    draws,
    seed,
  };
}

function frontierOf(
  problem: AllocationProblem,
  groups: readonly Group[],
  limits: readonly Limit[],
  method: AllocationMethod,
): Pick<Answer, 'frontier' | 'frontierComplete'> {
  const names = costNames(problem);
  const [cost, ...others] = limits.length > 0 ? unique(limits.map(l => l.cost)) : names;
  if (cost === undefined || others.length > 0) return {};
  const k = names.indexOf(cost);
  const menus = groups.map(({ choices }) =>
    choices.map(c => ({ cost: c.costs[k], sensitivity: c.sensitivity })),
  );
  const { points, isComplete } =
    method === 'hawq-v2' ? hawqV2Frontier(problem, groups, cost) : paretoFrontier(menus, FRONTIER_POINTS);
  return {
    frontier: points.map(point => ({
      objective: point.sensitivity,
      costs: { [cost]: point.cost },
      bits: spread(groups, point.picks, problem.layers.length),
    })),
    frontierComplete: isComplete,
  };
}
