import { lossAndGradient } from '../curvature/products';
import { piecewiseLinearLayers } from '../curvature/piecewise';
import { CurvatureError, cancelled } from '../errors';
import { parseSizeBudget } from '../allocation/budget';
import { formatBytes } from '../report/format';
import type { Report } from '../report/schema';
import { TimeBudget } from '../util/timeBudget';
import { measureActivations } from './activations';
import { measureTraces } from './chain';
import { fingerprintOf } from './journal';
import { chooseJointly } from './joint';
import { measureLatency } from './latency';
import { fitToMemory } from './memory';
import { memoryBudget } from './memoryBudget';
import { MetricTable } from './metricTable';
import { measureCoarseWidths, measureMetrics } from './metrics';
import { openModel, requireLayers } from './model';
import type { AnalyzeHooks } from './hooks';
import type { AnalyzeOptions } from './options';
import { type Plan, ProgressTracker } from './progress';
import { Run, secondsSince } from './run';
import type { SetUp } from './setUp';
import { quantizedLayers } from './quantizedLayers';
import { buildReport, quantizeLayers, type State } from './state';
import { largestEigenvalues } from './traces';

/**
 * Measures a model: loss, traces per layer, eigenvalues, and the bits they suggest.
 *
 * A stage that fails is told in the report, and the others go on, as long as any layer is measured. When the analysis is
 * cancelled or fails, all results so far go to `onPartial` before the error is thrown.
 * @throws CurvatureError
 */
export async function analyze(options: AnalyzeOptions, hooks: AnalyzeHooks = {}): Promise<Report> {
  parseSizeBudget(options.budget);
  memoryBudget(options.memory);
  const progress = new ProgressTracker(p => hooks.onProgress?.(p));
  const started = performance.now();
  const time = options.seconds === undefined ? undefined : new TimeBudget(options.seconds, hooks.now);
  progress.plan(planOf(options, 0, 0));
  progress.begin('load', 'Reading the model');
  const model = openModel(options.model);
  requireLayers(model);
  const { journal } = hooks;
  const batch = options.batch ?? journal?.batchOf(model.sha256);
  const { ready, ...fit } = await fitToMemory(model, { ...options, batch });
  if (hooks.signal?.aborted) throw cancelled();
  const { problem, parameters } = ready;
  journal?.begin(fingerprintOf(model, ready, options.seed));
  const byDifferences = [...ready.methods.values()].filter(m => m === 'differences').length;
  progress.plan(planOf(options, byDifferences, ready.methods.size));
  const quantized = quantizedLayers(model, options.granularity);
  const state: State = {
    model,
    options,
    setUp: ready,
    fit,
    createdAt: new Date().toISOString(),
    timings: { load: secondsSince(started) },
    piecewiseLinear: hessianIsGgn(ready),
    quantized,
    quantization: quantizeLayers(model, quantized, options.bits),
    methods: new Map(ready.methods),
    failures: [],
    timeStops: [],
    loss: null,
    ggn: new Map(),
    hessian: new Map(),
    stepDoubts: new Map(),
    eigenvalues: [],
    metrics: new MetricTable(),
  };
  const run = new Run(state, progress, hooks, time);
  try {
    const need = `the analysis needs up to ${formatBytes(fit.predictedBytes)} of memory`;
    await run.stage('loss', `Measuring the loss; ${need}`, async () => {
      state.loss = (await lossAndGradient(problem, [], hooks.signal)).loss;
    });
    await measureTraces(run);
    const { activations } = options;
    if (activations !== undefined)
      await run.attempt('activations', 'Activations', () => measureActivations(run, activations));
    if (fit.eigenvalues > 0 && parameters.length > 0)
      await run.attempt('eigenvalues', 'Largest eigenvalues', () => eigenvalues(run));
    await (options.metrics ? measureMetrics(run) : measureCoarseWidths(run));
    const { latency } = options;
    if (latency !== undefined) await run.attempt('latency', 'Latency', () => measureLatency(run, latency));
    if (options.jointRuns > 1 && ready.data.source === 'file')
      await run.attempt('allocation', 'Running whole choices of widths', () => chooseJointly(run));
    // A report without a single number is a failure, and the first one tells why.
    if (run.failure !== undefined && state.ggn.size + state.hessian.size === 0) throw run.failure;
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

/** Layers whose block of the Hessian has the trace of the Gauss–Newton block. At its own output, kl has the matrix itself. */
function hessianIsGgn({ problem, methods, reached }: SetUp): Set<string> {
  if (problem.loss.kind === 'kl') return new Set(methods.keys());
  const linear = piecewiseLinearLayers(problem.prepared.graph.nodes, reached, problem.loss.logits);
  return new Set(reached.filter((_, l) => linear[l]).map(l => l.initializer));
}

async function eigenvalues(run: Run): Promise<void> {
  const { problem, parameters } = run.state.setUp;
  const { options, fit } = run.state;
  const timeSpent = run.timeSpent();
  const search = largestEigenvalues(problem, parameters, fit.eigenvalues, {
    ...options,
    timeSpent,
    signal: run.signal,
  });
  let isOpen = false;
  for await (const lanczos of search) {
    isOpen = !lanczos.converged && lanczos.steps < lanczos.maxSteps;
    run.state.eigenvalues = lanczos.eigenvalues;
    run.state.smallestEigenvalue = lanczos.otherEnd;
    const residual = Math.max(...lanczos.eigenvalues.map(e => e.residual));
    run.progress.step(
      'eigenvalues',
      `Largest eigenvalues: step ${lanczos.steps} of at most ${lanczos.maxSteps}`,
      lanczos.steps / lanczos.maxSteps,
      residual,
    );
    run.partial();
  }
  if (isOpen && timeSpent)
    run.state.timeStops.push({
      severity: 'info',
      code: 'time-up',
      message: `The search for eigenvalues ended when its part of the ${options.seconds} s was up; not all have converged.`,
    });
}

/** Rough costs of the stages, in passes over the data. */
function planOf(
  { matrix, eigenvalues, maxProbes, activations, metrics, latency, bits, ...options }: AnalyzeOptions,
  byDifferences: number,
  layers: number,
): Plan[] {
  const coarse = bits.filter(b => b <= options.measureUpTo).length;
  return [
    { stage: 'load', cost: 2 },
    { stage: 'loss', cost: 1 },
    { stage: 'ggn', cost: matrix === 'hessian' ? 0 : 16 },
    { stage: 'hessian', cost: matrix === 'ggn' ? 0 : 2 * maxProbes },
    { stage: 'differences', cost: byDifferences * maxProbes },
    {
      stage: 'activations',
      cost:
        activations === undefined
          ? 0
          : 2 + (matrix === 'hessian' ? 0 : 16) + (matrix === 'ggn' ? 0 : 2 * maxProbes),
    },
    { stage: 'eigenvalues', cost: eigenvalues === 0 ? 0 : 3 * (2 * eigenvalues + 20) },
    // Runs forward from each layer on, for each width.
    { stage: 'metrics', cost: metrics ? layers * bits.length : (layers * coarse) / 6 },
    { stage: 'latency', cost: latency === undefined ? 0 : layers },
    { stage: 'allocation', cost: 1 + options.jointRuns / 3 },
  ];
}
