import type { DifferenceForms } from '../curvature/differences';
import { activationNorms, type GradientNorms, gradientNorms } from '../curvature/gradientNorms';
import type { Layer } from '../curvature/layers';
import { hessianOperator } from '../curvature/products';
import type { Parameter } from '../curvature/parameters';
import { numBatches, type Problem } from '../curvature/problem';
import {
  activationForms,
  type QuadraticForms,
  quadraticForms,
  rademacherDirection,
  unitDirection,
} from '../curvature/quadraticForms';
import { balancingScales } from '../estimators/balance';
import { exactGaussNewtonTrace, gaussNewtonTrace } from '../estimators/gaussNewtonTrace';
import { hutchinson } from '../estimators/hutchinson';
import { lanczos, type LanczosProgress, stepsWithin } from '../estimators/lanczos';
import type { Estimate, TraceProgress } from '../estimators/result';
import type { TimeSpent } from '../util/timeBudget';
import type { Probe, ProbeJournal } from './journal';

export interface EstimationOptions {
  readonly seed: number;
  readonly rtol: number;
  readonly maxProbes: number;
  /** Directions that share one run of the primal and the gradient; 4 by default. */
  readonly probesPerRun?: number;
  /** Keeps probes, and has those of a run that was stopped. */
  readonly journal?: ProbeJournal;
  /** Ends searches that draw at random; sums over all directions go on to their end. */
  readonly timeSpent?: TimeSpent;
  readonly signal?: AbortSignal;
}

/** With this many output columns or fewer, taking all of them costs no more than sampling does. */
const EXACT_COLUMNS = 16;

/** The sampler with a journal, where there is one. */
const kept = <P extends Probe>(
  journal: ProbeJournal | undefined,
  stage: string,
  names: readonly string[],
  sampler: (indices: readonly number[]) => Promise<P[]>,
): ((indices: readonly number[]) => Promise<P[]>) => journal?.keeping(stage, names, sampler) ?? sampler;

/** Traces of all layers' Gauss–Newton blocks, exactly where the outputs are few. */
export async function* gaussNewtonTraces(
  problem: Problem,
  layers: readonly Layer[],
  options: EstimationOptions,
): AsyncGenerator<TraceProgress, void, void> {
  const norms = await gradientNorms(problem, layers, options.seed, options.signal);
  const names = layers.map(l => l.name);
  yield* tracesFrom('ggn', norms, names, options);
}

/** Traces of a sample's Gauss–Newton matrix with respect to values, averaged over the samples. */
export async function* activationTraces(
  problem: Problem,
  values: readonly string[],
  options: EstimationOptions,
): AsyncGenerator<TraceProgress, void, void> {
  const norms = await activationNorms(problem, values, options.seed, options.signal);
  yield* tracesFrom('activations', norms, values, options);
}

/**
 * The trace of a sample's Hessian with respect to a value, averaged over the samples, by Hutchinson's estimate. One value at a time: what
 * values share of the curvature is noise to their traces, and larger than most of these in a row of layers.
 */
export async function* activationHessianTrace(
  problem: Problem,
  value: string,
  { seed, rtol, maxProbes, probesPerRun = 4, journal, timeSpent, signal }: EstimationOptions,
): AsyncGenerator<TraceProgress, void, void> {
  const forms = await activationForms(problem, value, probesPerRun, seed, signal);
  try {
    yield* hutchinson(kept(journal, 'activation hessian', [value], forms.sample), {
      ...{ layers: [value], seed, rtol, maxProbes, samplesPerCall: probesPerRun },
      ...{ timeSpent, signal },
    });
  } finally {
    await forms.dispose();
  }
}

async function* tracesFrom(
  stage: string,
  norms: GradientNorms,
  names: readonly string[],
  { seed, rtol, maxProbes, journal, timeSpent, signal }: EstimationOptions,
): AsyncGenerator<TraceProgress, void, void> {
  try {
    if (norms.columns <= EXACT_COLUMNS && norms.perSample.every(Boolean)) {
      yield* exactGaussNewtonTrace(kept(journal, `${stage} column`, names, norms.column), {
        layers: names,
        columns: norms.columns,
        seed,
        signal,
      });
    } else {
      yield* gaussNewtonTrace(kept(journal, stage, names, norms.sample), {
        layers: names,
        seed,
        rtol,
        maxDraws: maxProbes,
        timeSpent,
        signal,
      });
    }
  } finally {
    await norms.dispose();
  }
}

/**
 * Traces of all layers' Hessian blocks: Hutchinson's estimate, or the diagonal itself where it is no longer than that.
 * @param rough traces by which the layers' parts of a probe are balanced, where there are some
 */
export async function* hessianTraces(
  problem: Problem,
  layers: readonly Layer[],
  options: EstimationOptions,
  rough?: readonly number[],
): AsyncGenerator<TraceProgress, void, void> {
  const { seed, rtol, maxProbes, probesPerRun = 4, journal, timeSpent, signal } = options;
  const weights = layers.reduce((sum, l) => sum + l.size, 0);
  const isExact = weights <= maxProbes;
  const signs = rademacherDirection(layers, seed);
  const scales = isExact ? undefined : rough && balancingScales(rough);
  const direction = isExact
    ? unitDirection(layers)
    : (probe: number, l: number) => scaled(signs(probe, l), scales?.[l] ?? 1);
  const forms = await quadraticForms(problem, layers, 'block', probesPerRun, direction, signal);
  const names = layers.map(l => l.name);
  const unscaled = async (probes: readonly number[]): Promise<Float64Array[]> =>
    (await forms.sample(probes)).map(perLayer => perLayer.map((form, l) => form / (scales?.[l] ?? 1) ** 2));
  const sample = kept(journal, isExact ? 'hessian diagonal' : 'hessian', names, unscaled);
  try {
    if (isExact) {
      yield* diagonalSum({ sample, probesPerRun }, layers, weights, seed);
    } else {
      yield* hutchinson(sample, {
        layers: names,
        seed,
        rtol,
        maxProbes,
        samplesPerCall: probesPerRun,
        timeSpent,
        signal,
      });
    }
  } finally {
    await forms.dispose();
  }
}

const scaled = (v: Float32Array, factor: number): Float32Array => v.map(x => factor * x);

/** Numbers that an error bar of a trace by differences rests on at least. */
const MIN_FORMS = 8;

/** The trace of one layer's Gauss–Newton block by differences; each batch of the data gives a probe of its own. */
export function differenceTrace(
  problem: Problem,
  forms: DifferenceForms,
  layer: number,
  name: string,
  { seed, rtol, maxProbes, journal, timeSpent, signal }: EstimationOptions,
): AsyncGenerator<TraceProgress, void, void> {
  const sample = (draws: readonly number[]): Promise<Float64Array[]> => forms.sample(layer, draws);
  const sampler = async (draws: readonly number[]): Promise<Float64Array[][]> =>
    (await (journal?.keeping('differences', [name], sample) ?? sample)(draws)).map(perBatch => [perBatch]);
  const minDraws = Math.min(maxProbes, Math.max(2, Math.ceil(MIN_FORMS / numBatches(problem))));
  return gaussNewtonTrace(sampler, {
    ...{ layers: [name], seed, rtol, minDraws, maxDraws: maxProbes },
    ...{ timeSpent, signal },
  });
}

/** Sums vᵀHv over all unit vectors: the trace itself. */
async function* diagonalSum(
  { sample, probesPerRun }: Pick<QuadraticForms, 'sample' | 'probesPerRun'>,
  layers: readonly Layer[],
  weights: number,
  seed: number,
): AsyncGenerator<TraceProgress, void, void> {
  const sums = layers.map(() => 0);
  for (let done = 0; done < weights; done += probesPerRun) {
    const probes = Array.from({ length: Math.min(probesPerRun, weights - done) }, (_, i) => done + i);
    for (const forms of await sample(probes)) forms.forEach((f, l) => (sums[l] += f));
    const samples = done + probes.length;
    const isWhole = samples === weights;
    const estimates = sums.map((estimate): Estimate => ({
      estimate,
      stderr: 0,
      samples,
      seed,
      exact: true,
      converged: true,
    }));
    yield {
      estimates: isWhole ? estimates : [],
      samples,
      cap: weights,
      relativeError: isWhole ? 0 : Infinity,
    };
  }
}

/** The Hessian's largest eigenvalues over all parameters together, and the smallest as far as their products tell it. */
export async function* largestEigenvalues(
  problem: Problem,
  parameters: readonly Parameter[],
  count: number,
  { seed, timeSpent, signal }: EstimationOptions,
): AsyncGenerator<LanczosProgress, void, void> {
  const operator = await hessianOperator(problem, parameters, signal);
  try {
    const maxSteps = stepsWithin(problem.memory / 2, operator.size, count);
    yield* lanczos(operator, { count, seed, maxSteps, timeSpent, signal });
  } finally {
    await operator.dispose();
  }
}
