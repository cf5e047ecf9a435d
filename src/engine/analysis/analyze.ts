import { lossAndGradient } from '../curvature/products';
import { piecewiseLinearLayers } from '../curvature/piecewise';
import { CurvatureError, cancelled } from '../errors';
import type { TraceProgress } from '../estimators/result';
import { parseBudget } from '../allocation/budget';
import { formatBytes } from '../report/format';
import type { Estimate, Report } from '../report/schema';
import { fitToMemory } from './memory';
import { memoryBudget } from './memoryBudget';
import { openModel, requireLayers } from './model';
import type { AnalyzeHooks, AnalyzeOptions, Stage } from './options';
import { adaptiveShare, type Plan, ProgressTracker } from './progress';
import { buildReport, quantizeLayers, type State } from './state';
import { gaussNewtonTraces, hessianTraces, largestEigenvalues } from './traces';

/** Partial reports cost something to build and to send; more than a few a second help nobody. */
const PARTIAL_INTERVAL_MS = 300;

/**
 * Measures a model: loss, traces per layer, eigenvalues, and the bits they suggest.
 *
 * When it is cancelled or fails on the way, all results so far go to `onPartial` before the error is thrown.
 * @throws CurvatureError
 */
export async function analyze(options: AnalyzeOptions, hooks: AnalyzeHooks = {}): Promise<Report> {
  const { signal } = hooks;
  parseBudget(options.budget);
  memoryBudget(options.memory);
  const progress = new ProgressTracker(planOf(options), p => hooks.onProgress?.(p));
  const started = performance.now();
  progress.begin('load', 'Reading the model');
  const model = openModel(options.model);
  requireLayers(model);
  const { ready, probesPerRun, eigenvalues, predictedBytes } = await fitToMemory(model, options);
  if (signal?.aborted) throw cancelled();
  const { problem, reached, parameters } = ready;
  const linear = piecewiseLinearLayers(problem.prepared.graph.nodes, reached, problem.loss.logits);
  const state: State = {
    model,
    options,
    setUp: ready,
    predictedBytes,
    createdAt: new Date().toISOString(),
    timings: { load: secondsSince(started) },
    // At its own output the Hessian of kl is the Gauss–Newton matrix itself.
    piecewiseLinear: new Set(
      reached.filter((_, l) => linear[l] || problem.loss.kind === 'kl').map(l => l.initializer),
    ),
    quantization: quantizeLayers(model, options.bits),
    loss: null,
    ggn: [],
    hessian: [],
    eigenvalues: [],
  };
  const partials = throttled(() => hooks.onPartial?.(buildReport(state, false)));
  const stage = async (name: Stage, message: string, body: () => Promise<void>): Promise<void> => {
    if (signal?.aborted) throw cancelled();
    const start = performance.now();
    progress.begin(name, message);
    try {
      await body();
    } finally {
      state.timings[name] = secondsSince(start);
    }
  };
  const follow = async (
    name: Stage,
    label: string,
    traces: AsyncGenerator<TraceProgress>,
    keep: (estimates: readonly Estimate[]) => void,
  ): Promise<void> => {
    for await (const { estimates, samples, cap, relativeError } of traces) {
      if (estimates.length > 0) keep(estimates);
      progress.step(
        name,
        `${label} ${samples} of at most ${cap}`,
        adaptiveShare(samples, cap, relativeError, options.rtol),
        relativeError,
      );
      partials();
    }
  };
  try {
    await stage(
      'loss',
      `Measuring the loss; the analysis needs up to ${formatBytes(predictedBytes)} of memory`,
      async () => {
        state.loss = (await lossAndGradient(problem, [], signal)).loss;
      },
    );
    if (options.matrix !== 'hessian' && reached.length > 0) {
      await stage('ggn', 'GGN traces', () =>
        follow(
          'ggn',
          'GGN traces: draw',
          gaussNewtonTraces(problem, reached, { ...options, signal }),
          e => (state.ggn = e),
        ),
      );
    }
    if (options.matrix !== 'ggn' && reached.length > 0) {
      await stage('hessian', 'Hessian traces', () =>
        follow(
          'hessian',
          'Hessian traces: probe',
          hessianTraces(problem, reached, { ...options, probesPerRun, signal }),
          e => (state.hessian = e),
        ),
      );
    }
    if (eigenvalues > 0 && parameters.length > 0) {
      await stage('eigenvalues', 'Largest eigenvalues', async () => {
        for await (const lanczos of largestEigenvalues(problem, parameters, eigenvalues, {
          ...options,
          signal,
        })) {
          state.eigenvalues = lanczos.eigenvalues;
          const residual = Math.max(...lanczos.eigenvalues.map(e => e.residual));
          progress.step(
            'eigenvalues',
            `Largest eigenvalues: step ${lanczos.steps} of at most ${lanczos.maxSteps}`,
            lanczos.steps / lanczos.maxSteps,
            residual,
          );
          partials();
        }
      });
    }
  } catch (error) {
    const reason = error instanceof CurvatureError && error.code === 'cancelled' ? 'cancelled' : 'failed';
    hooks.onPartial?.(buildReport(state, false, { reason, message: (error as Error).message }));
    throw error;
  }
  state.timings['total'] = secondsSince(started);
  progress.begin('allocation', 'Choosing bits');
  const report = buildReport(state, true);
  progress.step('allocation', 'Done', 1);
  return report;
}

/** Rough costs of the stages, in passes over the data. */
function planOf({ matrix, eigenvalues, maxProbes }: AnalyzeOptions): Plan[] {
  return [
    { stage: 'load', cost: 2 },
    { stage: 'loss', cost: 1 },
    { stage: 'ggn', cost: matrix === 'hessian' ? 0 : 16 },
    { stage: 'hessian', cost: matrix === 'ggn' ? 0 : 2 * maxProbes },
    { stage: 'eigenvalues', cost: eigenvalues === 0 ? 0 : 3 * (2 * eigenvalues + 20) },
    { stage: 'allocation', cost: 1 },
  ];
}

const secondsSince = (start: number): number => Math.round(performance.now() - start) / 1000;

function throttled(send: () => void): () => void {
  let last = -Infinity;
  return () => {
    const now = performance.now();
    if (now - last < PARTIAL_INTERVAL_MS) return;
    last = now;
    send();
  };
}
