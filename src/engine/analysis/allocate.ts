import { answer, type AllocationOptions, type Answer } from '../allocation/answer';
import { parseBudget, parseSizeBudget } from '../allocation/budget';
import { type AllocationProblem } from '../allocation/problem';
import { problemFrom } from '../allocation/problemFile';
import { CurvatureError } from '../errors';
import { withActivations } from './activationProblem';
import type { GranularityChoice } from '../quantization/quantizer';
import { granularityOf } from '../report/granularity';
import { parseReport } from '../report/json';
import type { FrontierPoint, Joint, LayerReport, Report } from '../report/schema';
import { reallocation } from './reallocate';
import { amountsOf, problemOf } from './reportProblem';

/** Points that a report holds at most; the choice itself is made among all. */
const MAX_POINTS = 1000;

export interface Allocation {
  readonly frontier: FrontierPoint[];
  readonly budget: Report['budget'];
  /** Bits in the order of the layers; null where a layer takes no part. */
  readonly bits: readonly (number | null)[];
}

/** Widths that were found by running whole choices. */
export interface JointWidths {
  /** By name of the layer. */
  readonly bits: ReadonlyMap<string, number>;
  readonly found: Omit<Joint, 'bySum'>;
  /** What the choice of least sum changes the outputs by. */
  readonly bySum: Pick<Joint, 'divergence' | 'tempered'>;
}

/**
 * The frontier over all layers with a sensitivity, and the choice within the budget: the one of least sum.
 * @param joint what takes its place, where whole choices were run
 */
export function allocate(layers: readonly LayerReport[], requested: string, joint?: JointWidths): Allocation {
  const choice = reallocation(layers);
  if (!choice) return { frontier: [], budget: null, bits: layers.map(() => null) };
  const limit = choice.limitOf(parseSizeBudget(requested));
  const { feasible, ...chosen } = choice.within(limit);
  const frontier = choice.frontier(MAX_POINTS - 1);
  if (!frontier.some(({ bytes }) => bytes === chosen.bytes)) frontier.push(chosen);
  const message =
    `The budget of ${Math.floor(limit)} bytes can't be met: with every layer at its smallest bit width ` +
    `the weights take ${chosen.bytes} bytes. The smallest choice is suggested instead.`;
  const { bits, ...amounts } = chosen;
  const budget = { requested, bytes: limit, feasible, ...(feasible ? {} : { message }) };
  frontier.sort((a, b) => a.bytes - b.bytes);
  if (!joint) return { frontier, budget: { ...budget, chosen: amounts }, bits };
  const together = layers.map(layer => ({ ...layer, bits: joint.bits.get(layer.name) ?? null }));
  return {
    frontier,
    budget: {
      ...budget,
      chosen: amountsOf(together),
      joint: { ...joint.found, bySum: { ...chosen, ...joint.bySum } },
    },
    bits: together.map(layer => layer.bits),
  };
}

export interface AllocateOptions extends AllocationOptions {
  /** As in `parseBudget`; they take the place of the file's. */
  readonly budgets: readonly string[];
  readonly ties: readonly (readonly string[])[];
  readonly pins: Readonly<Record<string, number>>;
}

/**
 * Answers a report or a problem file, as text; of a report also how its layers share scales, which a file of widths tells `quantize`. Throws `report-invalid`, `problem-invalid` and `option-invalid`.
 */
export async function allocateFile(
  text: string,
  options: AllocateOptions,
): Promise<Answer & { readonly granularity?: GranularityChoice }> {
  const asked = options.budgets.map(parseBudget);
  const { problem, budgets, granularity } = readProblem(
    text,
    asked.some(({ cost }) => cost === 'bops'),
  );
  const all = {
    ...problem,
    ties: [...problem.ties, ...options.ties],
    pins: { ...problem.pins, ...options.pins },
  };
  const found = await answer(all, asked.length > 0 ? asked : budgets, options);
  return granularity === undefined ? found : { ...found, granularity };
}

/** @param isOnBops whether the bit operations are limited */
function readProblem(
  text: string,
  isOnBops: boolean,
): {
  problem: AllocationProblem;
  budgets: readonly ReturnType<typeof parseBudget>[];
  granularity?: GranularityChoice;
} {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CurvatureError(
      'problem-invalid',
      `The file is not JSON: ${reason}.`,
      'Give a report (*.curvature.json) that `analyze --out` wrote, or a problem as JSON.',
    );
  }
  if (typeof value === 'object' && value !== null && 'format' in value) {
    const report = parseReport(text);
    const { layers, activations = [], budget } = report;
    const problem = withActivations(problemOf(layers), activations, isOnBops);
    const budgets = [parseSizeBudget(budget?.requested ?? '0.5')];
    if (problem.layers.length > 0) return { problem, budgets, granularity: granularityOf(report) };
    throw new CurvatureError('report-invalid', 'No layer of the report has a sensitivity.');
  }
  const { problem, budgets } = problemFrom(value);
  return {
    problem,
    budgets: budgets.map(({ cost, limit }) => ({ cost, amount: { kind: 'limit', value: limit } })),
  };
}
