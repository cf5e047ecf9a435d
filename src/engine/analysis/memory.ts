import { valuesGraph } from '../curvature/activationValues';
import {
  activationFormsRuns,
  activationNormsGraph,
  formsRuns,
  hessianRuns,
  normsGraph,
} from '../curvature/derived';
import { directionalRuns } from '../curvature/directional';
import { scoreRuns } from '../curvature/scores';
import type { NormsGraph } from '../curvature/gradientNormGraph';
import type { RunPlan } from '../curvature/tangentRuns';
import { CurvatureError } from '../errors';
import { basisBytes, usualSteps } from '../estimators/lanczos';
import { formatBytes } from '../report/format';
import type { Diagnostic } from '../report/schema';
import { predictPeakBytes } from '../runtime/memory';
import { settledTypes } from '../runtime/settledTypes';
import type { Model } from './model';
import type { AnalyzeOptions } from './options';
import { type SetUp, setUp, type SetUpOptions } from './setUp';

/** Directions that share one run of the primal and the gradient, where memory allows. */
const MOST_PROBES = 8;

/** What fits into memory beside a model made ready. */
export interface Fit {
  readonly probesPerRun: number;
  /** How many eigenvalues there is room to look for: as many as asked for, or none. */
  readonly eigenvalues: number;
  /** The most that the process will hold. */
  readonly predictedBytes: number;
}

/** A model made ready, with as many samples to a run as fit. */
export interface Fitted extends Fit {
  readonly ready: SetUp;
}

/**
 * Looks for the largest batch, and then the most probes to a run, that are predicted to stay within the memory allowed.
 * Where the Hessian-vector products for eigenvalues alone are too large, they are left out, and a warning says so.
 * @throws CurvatureError `memory-exceeded` when not even one sample fits
 */
export async function fitToMemory(model: Model, options: AnalyzeOptions): Promise<Fitted> {
  const ready = await setUp(model, options);
  const budget = ready.problem.memory;
  const most = Math.min(MOST_PROBES, options.maxProbes);
  const { eigenvalues } = options;
  const atMost = await predictPeak(ready, options, most);
  if (atMost <= budget) return { ready, probesPerRun: most, eigenvalues, predictedBytes: atMost };

  // Memory is linear in samples and in probes, but for what they share.
  const least = await predictPeak(ready, options, 1);
  if (least <= budget || options.batch !== undefined) {
    const { at, bytes } = largestFitting(budget, [1, least], [most, atMost]);
    return { ready, probesPerRun: at, eigenvalues, predictedBytes: bytes };
  }
  try {
    const { ready: fitting, bytes } = await fitBatch(model, options, ready, s => predictPeak(s, options, 1));
    return { ready: fitting, probesPerRun: 1, eigenvalues, predictedBytes: bytes };
  } catch (refusal) {
    if (eigenvalues === 0 || !(refusal instanceof CurvatureError) || refusal.code !== 'memory-exceeded')
      throw refusal;
    const fitted = await fitToMemory(model, { ...options, eigenvalues: 0 });
    const warning: Diagnostic = {
      severity: 'warning',
      code: 'eigenvalues-left-out',
      message: `Eigenvalues were left out: ${refusal.message} ${refusal.hint}`,
    };
    return { ...fitted, ready: { ...fitted.ready, diagnostics: [...fitted.ready.diagnostics, warning] } };
  }
}

/**
 * The model made ready with as many samples to a run as are predicted to stay within the memory allowed. Memory is linear in them, so that
 * two predictions settle it. A batch that was asked for stays.
 * @throws CurvatureError `memory-exceeded` when not even one sample fits
 */
export async function fitBatch(
  model: Model,
  options: SetUpOptions,
  ready: SetUp,
  peak: (ready: SetUp) => Promise<number>,
): Promise<{ readonly ready: SetUp; readonly bytes: number }> {
  const { batch, memory: budget } = ready.problem;
  const whole = await peak(ready);
  if (whole <= budget || options.batch !== undefined) return { ready, bytes: whole };
  const single = batch === 1 ? ready : await setUp(model, { ...options, batch: 1 });
  const ofOne = await peak(single);
  if (ofOne > budget) throw tooLarge(single.problem.batch, ofOne, budget);
  const { at, bytes } = largestFitting(budget, [1, ofOne], [batch, whole]);
  return { ready: await setUp(model, { ...options, batch: at }), bytes };
}

type Point = readonly [count: number, bytes: number];

/** The largest count between two whose bytes, on the line through both, are within the budget; the lower one at least. */
function largestFitting(
  budget: number,
  [low, from]: Point,
  [high, to]: Point,
): { at: number; bytes: number } {
  const slope = (to - from) / (high - low || 1);
  const at = slope > 0 ? Math.floor(low + (budget - from) / slope) : high;
  const within = Math.max(low, Math.min(high, at));
  return { at: within, bytes: from + slope * (within - low) };
}

/** Bytes at the worst moment of any stage of the analysis. */
async function predictPeak(
  { problem, reached, parameters, activations }: SetUp,
  options: Pick<AnalyzeOptions, 'matrix' | 'eigenvalues' | 'activations' | 'metrics'>,
  probes: number,
): Promise<number> {
  const { matrix, eigenvalues } = options;
  const peaks = [predictPeakBytes([problem.prepared])];
  // A graph that can't be built fails in its own stage, which says so; here it takes nothing.
  const consider = async (peak: () => Promise<number>): Promise<void> => {
    peaks.push(await peak().catch(() => 0));
  };
  // The Hessian's probes are balanced by Gauss–Newton traces.
  const peakOfNorms = async ({ graph }: NormsGraph): Promise<number> =>
    predictPeakBytes([{ graph, types: await settledTypes(graph, problem.prepared.types) }]);
  if (reached.length > 0) await consider(async () => peakOfNorms(normsGraph(problem, reached)));
  if (reached.length > 0 && matrix !== 'ggn')
    await consider(async () => peakOfRuns(await formsRuns(problem, reached, 'block', probes)));
  if (options.activations !== undefined) {
    const names = activations.map(a => a.value);
    const { types } = problem.prepared;
    peaks.push(predictPeakBytes([{ graph: valuesGraph(problem, names), types }]));
    if (matrix !== 'hessian') await consider(async () => peakOfNorms(activationNormsGraph(problem, names)));
    // The first value has the most behind it.
    if (matrix !== 'ggn')
      await consider(async () => peakOfRuns(await activationFormsRuns(problem, names[0], probes)));
  }
  if (reached.length > 0 && options.metrics) {
    // The first layer has the most behind it.
    await consider(async () => peakOfRuns(await scoreRuns(problem, reached.slice(0, 1))));
    await consider(async () => peakOfRuns(await directionalRuns(problem, reached[0])));
    await consider(async () => peakOfRuns(await formsRuns(problem, reached, 'row', 1)));
  }
  if (parameters.length > 0 && eigenvalues > 0) {
    const size = parameters.reduce((sum, p) => sum + p.size, 0);
    const basis = basisBytes(size, usualSteps(eigenvalues));
    await consider(async () => peakOfRuns(await hessianRuns(problem, parameters)) + basis);
  }
  return Math.max(...peaks);
}

/** Bytes at the worst moment of the runs, with what is kept from one to the next. */
export const peakOfRuns = ({ varying, fixed, keptBytes }: RunPlan): number =>
  predictPeakBytes(fixed ? [varying, { ...fixed, keepsMemory: false }] : [varying]) + keptBytes;

function tooLarge(batch: number, needed: number, budget: number): CurvatureError {
  const samples = batch === 1 ? 'a single sample' : `the ${batch} samples that the file asks for`;
  return new CurvatureError(
    'memory-exceeded',
    `The derivatives of ${samples} need about ${formatBytes(needed)}, and ${formatBytes(budget)} may be used.`,
    'Allow more where the machine has it: --memory, or the setting curvature.memory.',
  );
}
