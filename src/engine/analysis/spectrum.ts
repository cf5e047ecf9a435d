import path from 'node:path';
import { fisherTrace } from '../curvature/fisherTrace';
import { matrixOperator } from '../curvature/products';
import type { LinearOperator } from '../curvature/linearOperator';
import { powerIteration } from '../estimators/powerIteration';
import {
  effectiveRank,
  frobeniusNorm,
  negativeMass,
  spectralSum,
  wassersteinBound,
} from '../estimators/spectrum';
import { spectrumBytes, spectrumStepsWithin, stochasticLanczos } from '../estimators/stochasticLanczos';
import { chooseTraceMethod, estimateTrace, traceBytes, type TraceMethod } from '../estimators/trace';
import type { Diagnostic } from '../report/schema';
import { SPECTRUM_VERSION, type SpectrumReport, type TraceReport } from '../report/spectrum';
import { type OpenedMatrix, openMatrix } from './openMatrix';
import type { SpectrumHooks, SpectrumOptions } from './options';
import { adaptiveShare, ProgressTracker } from './progress';
import { secondsSince } from './run';
import { setUp } from './setUp';
import { TOOL } from './state';
import { traceReport } from './traceReport';

/** The bound on the Wasserstein distance may fail with this probability. */
const FAILURE = 0.01;

/** What is to be done, settled before anything runs. */
interface Task extends OpenedMatrix {
  readonly options: SpectrumOptions;
  /** As asked for, but no more than rows or than what fits. */
  readonly steps: number;
  readonly method: TraceMethod;
}

/** What is found so far. */
interface Found {
  trace: SpectrumReport['trace'];
  density: SpectrumReport['density'];
  crossCheck?: SpectrumReport['crossCheck'];
  readonly timings: Record<string, number>;
}

/**
 * The spectrum of the Hessian or the Gauss–Newton matrix over all parameters, or those of some layers: density by stochastic
 * Lanczos quadrature, both ends with their residuals, and the trace.
 *
 * When it is cancelled or fails, what was found goes to `onPartial` before the error is thrown.
 * @throws CurvatureError
 */
export async function spectrum(options: SpectrumOptions, hooks: SpectrumHooks = {}): Promise<SpectrumReport> {
  const progress = new ProgressTracker(p => hooks.onProgress?.(p));
  const { steps, probes, maxProducts } = options;
  progress.plan([
    { stage: 'load', cost: 2 },
    { stage: 'trace', cost: 3 * maxProducts },
    { stage: 'density', cost: 3 * steps * (1 + probes) },
  ]);
  progress.begin('load', 'Reading the model');
  const started = performance.now();
  const task = await prepareTask(options);
  const found: Found = { trace: null, density: null, timings: { load: secondsSince(started) } };
  try {
    await measure(task, found, progress, hooks.signal);
  } catch (error) {
    if (found.trace || found.density) hooks.onPartial?.(reportOf(task, found, false));
    throw error;
  }
  found.timings['total'] = secondsSince(started);
  return reportOf(task, found, true);
}

async function prepareTask(options: SpectrumOptions): Promise<Task> {
  let steps = 0;
  let method: TraceMethod = 'exact';
  const opened = await openMatrix(options, (size, room) => {
    steps = Math.min(options.steps, size, spectrumStepsWithin(room, size));
    method =
      options.estimator === 'auto' ? chooseTraceMethod(size, options.maxProducts, room) : options.estimator;
    return Math.max(spectrumBytes(size, steps), traceBytes(method, size, options.maxProducts));
  });
  return { ...opened, options, steps, method };
}

async function measure(
  task: Task,
  found: Found,
  progress: ProgressTracker,
  signal?: AbortSignal,
): Promise<void> {
  const { ready, parameters, options } = task;
  const operator = await matrixOperator(options.matrix, ready.problem, parameters, signal);
  const timed = async (stage: string, body: () => Promise<void>): Promise<void> => {
    const start = performance.now();
    await body();
    found.timings[stage] = secondsSince(start);
  };
  try {
    await timed('trace', async () => {
      const isExact =
        options.matrix === 'fisher' &&
        options.estimator === 'auto' &&
        (await measureFisherTrace(task, found, progress, signal));
      if (!isExact) await measureTrace(task, operator, found, progress, signal);
    });
    await timed('density', () => measureDensity(task, operator, found, progress, signal));
    if (options.crossCheck) {
      await timed('crossCheck', async () => {
        found.crossCheck = await powerIteration(operator, { seed: options.seed, signal });
      });
    }
  } finally {
    await operator.dispose();
  }
}

async function measureTrace(
  { method, options }: Task,
  operator: LinearOperator,
  found: Found,
  progress: ProgressTracker,
  signal?: AbortSignal,
): Promise<void> {
  const { seed, rtol, maxProducts } = options;
  progress.begin('trace', `Trace by ${method}`);
  for await (const step of estimateTrace(method, operator, { seed, rtol, maxProducts, signal })) {
    const { samples: products, cap, relativeError, estimates } = step;
    if (estimates.length > 0) found.trace = traceReport(estimates[0], method, products);
    progress.step(
      'trace',
      `Trace by ${method}: product ${products} of at most ${cap}`,
      adaptiveShare(products, cap, relativeError, rtol),
      relativeError,
    );
  }
}

/** From the gradients of single samples: exact, and cheaper than estimates are. Tells whether the model runs on one sample. */
async function measureFisherTrace(
  { model, options, parameters }: Task,
  found: Found,
  progress: ProgressTracker,
  signal?: AbortSignal,
): Promise<boolean> {
  progress.begin('trace', 'Trace from the gradients of all samples');
  const { problem } = await setUp(model, { ...options, batch: 1 });
  if (problem.batch !== 1) return false;
  const { samples } = problem.dataset;
  const search = fisherTrace(problem, parameters, signal);
  for (;;) {
    const step = await search.next();
    if (step.done) {
      const estimate = { estimate: step.value, stderr: 0, samples, seed: options.seed };
      found.trace = traceReport({ ...estimate, exact: true, converged: true }, 'gradients', samples);
      return true;
    }
    progress.step('trace', `Gradient of sample ${step.value} of ${samples}`, step.value / samples);
  }
}

async function measureDensity(
  { size, steps, options }: Task,
  operator: LinearOperator,
  found: Found,
  progress: ProgressTracker,
  signal?: AbortSignal,
): Promise<void> {
  const { seed, probes } = options;
  progress.begin('density', 'Spectrum');
  for await (const step of stochasticLanczos(operator, { steps, probes, seed, signal })) {
    const { quadratures, outliers, extremes, bulkRange, products, maxProducts } = step;
    if (extremes && quadratures.length > (found.density?.quadratures.length ?? 0)) {
      // The outliers are known, so that only the rest of the spectrum can be off.
      const rest = size - outliers.length;
      const settings = { steps, probes: quadratures.length, range: bulkRange, failure: FAILURE };
      const bound = (wassersteinBound(rest, settings) * rest) / size;
      found.density = {
        ...extremes,
        outliers,
        quadratures,
        sum: spectralSum(quadratures, size, x => x),
        frobeniusNorm: frobeniusNorm(quadratures, size),
        negativeMass: negativeMass(quadratures),
        effectiveRank: effectiveRank(quadratures, size),
        wasserstein: { bound, failure: FAILURE },
      };
    }
    const what = products <= steps ? 'outliers' : `start vector ${quadratures.length} of ${probes} through`;
    progress.step(
      'density',
      `Spectrum: ${what}, product ${products} of at most ${maxProducts}`,
      products / maxProducts,
    );
  }
}

function reportOf(task: Task, { timings, ...found }: Found, complete: boolean): SpectrumReport {
  const { model, options, ready, parameters, size, steps } = task;
  const { problem } = ready;
  const shown = new Map(model.layers.map(l => [l.initializer, l.name]));
  return {
    format: 'curvature-spectrum',
    version: SPECTRUM_VERSION,
    complete,
    tool: TOOL,
    model: { file: path.basename(model.file), sha256: model.sha256 },
    data: ready.data,
    settings: {
      loss: problem.loss.kind,
      matrix: options.matrix,
      parameters: parameters.map(({ name }) => shown.get(name) ?? name),
      isWhole: parameters.length === model.parameters.length,
      steps,
      probes: options.probes,
      rtol: options.rtol,
      maxProducts: options.maxProducts,
      seed: options.seed,
      batch: problem.batch,
      executionProvider: options.executionProvider,
    },
    device: problem.session.device.name,
    memory: { predictedBytes: Math.round(task.predictedBytes) },
    samples: problem.dataset.samples,
    size,
    ...found,
    diagnostics: [...ready.diagnostics, ...diagnosticsOf(task, found.trace)],
    timings,
  };
}

function diagnosticsOf({ options, ready, size, steps }: Task, trace: TraceReport | null): Diagnostic[] {
  const left = ready.withoutDerivatives.length;
  const warn = (code: string, message: string): Diagnostic => ({ severity: 'info', code, message });
  return [
    ...(left > 0 && !options.layers
      ? [warn('partial-spectrum', `${left} parameters have no exact second derivatives and are left out.`)]
      : []),
    ...(steps < Math.min(options.steps, size)
      ? [
          warn(
            'steps-limited',
            `${steps} of ${options.steps} steps were taken: more do not fit into the memory allowed.`,
          ),
        ]
      : []),
    ...(trace && !trace.converged
      ? [
          warn(
            'probe-cap',
            `The trace did not reach a relative error of ${Number((100 * options.rtol).toPrecision(2))} % within ${trace.products} products. Raise --max-products for a smaller one.`,
          ),
        ]
      : []),
  ];
}
