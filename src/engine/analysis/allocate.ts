import { answer, type AllocationOptions, type Answer } from '../allocation/answer';
import { bestWithin } from '../allocation/bestWithin';
import { limitOf, parseBudget, parseSizeBudget } from '../allocation/budget';
import { paretoFrontier } from '../allocation/frontier';
import { type Group, groupLayers } from '../allocation/groups';
import { cheapestPicks } from '../allocation/nearest';
import { type AllocationProblem, totalParameters } from '../allocation/problem';
import { problemFrom } from '../allocation/problemFile';
import { CurvatureError } from '../errors';
import { withActivations } from './activationProblem';
import { parseReport } from '../report/json';
import type { FrontierPoint, LayerReport, Report } from '../report/schema';

/** Points that a report holds at most; the choice itself is made among all. */
const MAX_POINTS = 1000;

export interface Allocation {
  readonly frontier: FrontierPoint[];
  readonly budget: Report['budget'];
  /** Bits in the order of the layers; null where a layer takes no part. */
  readonly bits: readonly (number | null)[];
}

/** The frontier over all layers with a sensitivity, and the choice within the budget. */
export function allocate(layers: readonly LayerReport[], requested: string): Allocation {
  const takesPart = layers.map(hasSensitivity);
  const problem = problemOf(layers);
  if (problem.layers.length === 0) return { frontier: [], budget: null, bits: layers.map(() => null) };
  const groups = groupLayers(problem);
  const { limit } = limitOf(parseSizeBudget(requested), problem, groups);
  const menus = groups.map(({ choices }) =>
    choices.map(({ sensitivity, costs }) => ({ sensitivity, costs: costs.slice(0, 1) })),
  );
  const { picks } = bestWithin(menus, limit);
  const chosen = measures(problem, groups, picks ?? cheapestPicks(menus, 0));
  const spread = (widths: readonly number[]): (number | null)[] => {
    let next = 0;
    return takesPart.map(part => (part ? widths[next++] : null));
  };
  const { points } = paretoFrontier(
    menus.map(menu => menu.map(({ sensitivity, costs }) => ({ sensitivity, cost: costs[0] }))),
    MAX_POINTS - 1,
  );
  const frontier = points.map(point => measures(problem, groups, point.picks));
  if (!frontier.some(({ bytes }) => bytes === chosen.bytes)) frontier.push(chosen);
  const message =
    `The budget of ${Math.floor(limit)} bytes can't be met: with every layer at its smallest bit width ` +
    `the weights take ${chosen.bytes} bytes. The smallest choice is suggested instead.`;
  const { bits, ...amounts } = chosen;
  return {
    frontier: frontier
      .sort((a, b) => a.bytes - b.bytes)
      .map(point => ({ ...point, bits: spread(point.bits) })),
    budget: {
      requested,
      bytes: limit,
      feasible: picks !== undefined,
      ...(picks ? {} : { message }),
      chosen: amounts,
    },
    bits: spread(bits),
  };
}

interface Measures {
  readonly bytes: number;
  readonly effectiveBits: number;
  readonly sensitivity: number;
  readonly bits: number[];
}

function measures(problem: AllocationProblem, groups: readonly Group[], picks: readonly number[]): Measures {
  const chosen = picks.map((pick, g) => groups[g].choices[pick]);
  const bytes = chosen.reduce((sum, { costs }) => sum + costs[0], 0);
  return {
    bytes,
    effectiveBits: (bytes * 8) / (totalParameters(problem) ?? NaN),
    sensitivity: chosen.reduce((sum, { sensitivity }) => sum + sensitivity, 0),
    bits: chosen.map(({ bits }) => bits),
  };
}

const hasSensitivity = ({ sensitivity }: LayerReport): boolean => Object.keys(sensitivity).length > 0;

/** The layers of a report that have a sensitivity, with their size as the first cost, and the other costs that all of them have. */
export function problemOf(layers: readonly LayerReport[]): AllocationProblem {
  const takingPart = layers.filter(hasSensitivity);
  const others = Object.keys(takingPart[0]?.costs ?? {}).filter(name =>
    takingPart.every(({ sensitivity, costs }) =>
      Object.keys(sensitivity).every(bits => costs?.[name]?.[bits] !== undefined),
    ),
  );
  return {
    layers: takingPart.map(layer => ({
      name: layer.name,
      parameters: layer.parameters,
      ...(layer.averageTrace === null ? {} : { averageTrace: layer.averageTrace }),
      choices: Object.entries(layer.sensitivity).map(([bits, sensitivity]) => ({
        bits: Number(bits),
        sensitivity,
        stderr: layer.sensitivityStderr[bits] ?? 0,
        costs: {
          bytes: layer.sizeBytes[bits],
          ...Object.fromEntries(others.map(name => [name, layer.costs![name][bits]])),
        },
      })),
    })),
    ties: [],
    pins: {},
  };
}

export interface AllocateOptions extends AllocationOptions {
  /** As in `parseBudget`; they take the place of the file's. */
  readonly budgets: readonly string[];
  readonly ties: readonly (readonly string[])[];
  readonly pins: Readonly<Record<string, number>>;
}

/**
 * Answers a report or a problem file, as text. Throws `report-invalid`, `problem-invalid` and `option-invalid`.
 */
export async function allocateFile(text: string, options: AllocateOptions): Promise<Answer> {
  const asked = options.budgets.map(parseBudget);
  const { problem, budgets } = readProblem(
    text,
    asked.some(({ cost }) => cost === 'bops'),
  );
  const all = {
    ...problem,
    ties: [...problem.ties, ...options.ties],
    pins: { ...problem.pins, ...options.pins },
  };
  return answer(all, asked.length > 0 ? asked : budgets, options);
}

/** @param isOnBops whether the bit operations are limited */
function readProblem(
  text: string,
  isOnBops: boolean,
): {
  problem: AllocationProblem;
  budgets: readonly ReturnType<typeof parseBudget>[];
} {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CurvatureError('problem-invalid', `The file is not JSON: ${reason}.`);
  }
  if (typeof value === 'object' && value !== null && 'format' in value) {
    const { layers, activations = [], budget } = parseReport(text);
    const problem = withActivations(problemOf(layers), activations, isOnBops);
    if (problem.layers.length > 0) return { problem, budgets: [parseSizeBudget(budget?.requested ?? '0.5')] };
    throw new CurvatureError('report-invalid', 'No layer of the report has a sensitivity.');
  }
  const { problem, budgets } = problemFrom(value);
  return {
    problem,
    budgets: budgets.map(({ cost, limit }) => ({ cost, amount: { kind: 'limit', value: limit } })),
  };
}
