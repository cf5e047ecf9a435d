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
import type { SpectrumReport } from '../report/spectrum';
import { matrixFingerprint, type ProbeJournal } from './journal';
import { openMatrix } from './openMatrix';
import type { MatrixHooks } from './hooks';
import type { SpectrumOptions } from './matrixOptions';
import { inParts } from './partials';
import { adaptiveShare, ProgressTracker } from './progress';
import { secondsSince } from './run';
import { setUp } from './setUp';
import { type SpectrumFound, spectrumReportOf, type SpectrumTask } from './spectrumReport';
import { TimeBudget, type TimeSpent } from '../util/timeBudget';
import { traceReport } from './traceReport';

/** The bound on the Wasserstein distance may fail with this probability. */
const FAILURE = 0.01;

/** The trace as it is kept for a run that goes on, with what its time left for the rest. */
type KeptTrace = Pick<SpectrumFound, 'trace' | 'timeStops'> & Pick<SpectrumTask, 'steps'>;

/**
 * The spectrum of the Hessian or the Gauss–Newton matrix over all parameters, or those of some layers: density by stochastic
 * Lanczos quadrature, both ends with their residuals, and the trace.
 *
 * When it is cancelled or fails, what was found goes to `onPartial` before the error is thrown.
 * @throws CurvatureError
 */
export async function spectrum(
  options: SpectrumOptions,
  hooks: MatrixHooks<SpectrumReport> = {},
): Promise<SpectrumReport> {
  let foundMore = (): void => {};
  const progress = new ProgressTracker(p => {
    hooks.onProgress?.(p);
    foundMore();
  });
  const { steps, probes, maxProducts } = options;
  progress.plan([
    { stage: 'load', cost: 2 },
    { stage: 'trace', cost: 3 * maxProducts },
    { stage: 'density', cost: 3 * steps * (1 + probes) },
  ]);
  progress.begin('load', 'Reading the model');
  const started = performance.now();
  const time = options.seconds === undefined ? undefined : new TimeBudget(options.seconds, hooks.now);
  const task = await prepareTask(options, hooks.journal);
  const found: SpectrumFound = {
    ...{ trace: null, density: null, timeStops: [] },
    timings: { load: secondsSince(started) },
  };
  const soFar = (): SpectrumReport | undefined =>
    found.trace !== null || found.density !== null ? spectrumReportOf(task, found, false) : undefined;
  await inParts(hooks.onPartial, soFar, tell => {
    foundMore = tell;
    return measure(task, found, progress, time, hooks.signal);
  });
  found.timings['total'] = secondsSince(started);
  return spectrumReportOf(task, found, true);
}

async function prepareTask(
  options: SpectrumOptions,
  journal: ProbeJournal | undefined,
): Promise<SpectrumTask> {
  let steps = 0;
  let method: TraceMethod = 'exact';
  // What fits into memory now may differ from what did when the run that is resumed began.
  const settled = journal?.settled;
  const opened = await openMatrix({ ...options, batch: options.batch ?? settled?.batch }, (size, room) => {
    const { maxProducts } = options;
    steps = Number(settled?.['stepsTaken'] ?? Math.min(options.steps, size, spectrumStepsWithin(room, size)));
    method =
      options.estimator === 'auto'
        ? ((settled?.['method'] as TraceMethod | undefined) ?? chooseTraceMethod(size, maxProducts, room))
        : options.estimator;
    return Math.max(spectrumBytes(size, steps), traceBytes(method, size, maxProducts));
  });
  journal?.begin({
    ...matrixFingerprint('spectrum', opened, options),
    ...{ steps: options.steps, stepsTaken: steps, estimator: options.estimator, method },
    ...{ rtol: options.rtol, maxProducts: options.maxProducts },
  });
  return { ...opened, options, steps, method, journal };
}

async function measure(
  task: SpectrumTask,
  found: SpectrumFound,
  progress: ProgressTracker,
  time?: TimeBudget,
  signal?: AbortSignal,
): Promise<void> {
  const { ready, parameters, options, journal } = task;
  const operator = await matrixOperator(options.matrix, ready.problem, parameters, signal);
  const timed = async (stage: string, body: () => Promise<void>): Promise<void> => {
    const start = performance.now();
    await body();
    found.timings[stage] = secondsSince(start);
  };
  try {
    await timed('trace', async () => {
      const kept = journal?.found('trace') as KeptTrace | undefined;
      if (kept) {
        found.trace = kept.trace;
        found.timeStops.push(...kept.timeStops);
        task.steps = kept.steps;
        return;
      }
      const before = time?.left();
      const isExact =
        options.matrix === 'fisher' &&
        options.estimator === 'auto' &&
        (await measureFisherTrace(task, found, progress, signal));
      if (!isExact) await measureTrace(task, operator, found, progress, time?.share(TIME_OF_TRACE), signal);
      // The gradients of all samples, one by one, take about as long as a product.
      const products = isExact ? 1 : (found.trace?.products ?? 1);
      if (time && before !== undefined)
        limitSteps(task, found, (products * time.left()) / (before - time.left()));
      const { trace, timeStops } = found;
      journal?.keep('trace', { trace, timeStops, steps: task.steps } satisfies KeptTrace);
    });
    await timed('density', () => measureDensity(task, operator, found, progress, time?.share(1), signal));
    if (options.crossCheck) {
      await timed('crossCheck', async () => {
        const through = journal?.through('power iteration', operator) ?? operator;
        found.crossCheck = await powerIteration(through, { seed: options.seed, signal });
      });
    }
  } finally {
    await operator.dispose();
  }
}

/** Of the time left; the density takes more products. */
const TIME_OF_TRACE = 1 / 4;
/** Steps that leave something of a spectrum. */
const FEWEST_STEPS = 8;

/** So that the run for outliers and two start vectors stay within so many products; a result of a clock, but reported, and the same for the same steps. */
function limitSteps(task: SpectrumTask, found: SpectrumFound, products: number): void {
  const most = Math.max(FEWEST_STEPS, Math.floor(products / 3));
  if (most >= task.steps) return;
  task.steps = most;
  found.timeStops.push(`Start vectors take ${most} products each, as the time allows.`);
}

async function measureTrace(
  { method, options, journal: keeper }: SpectrumTask,
  operator: LinearOperator,
  found: SpectrumFound,
  progress: ProgressTracker,
  timeSpent?: TimeSpent,
  signal?: AbortSignal,
): Promise<void> {
  const { seed, rtol, maxProducts } = options;
  progress.begin('trace', `Trace by ${method}`);
  for await (const step of estimateTrace(method, operator, {
    ...{ seed, rtol, maxProducts, timeSpent, keeper, signal },
  })) {
    const { samples: products, cap, relativeError, estimates } = step;
    if (estimates.length > 0) found.trace = traceReport(estimates[0], method, products);
    progress.step(
      'trace',
      `Trace by ${method}: product ${products} of at most ${cap}`,
      adaptiveShare(products, cap, relativeError, rtol),
      relativeError,
    );
  }
  const { trace } = found;
  if (trace && !trace.converged && timeSpent && timeSpent() >= 1)
    found.timeStops.push(
      `The trace ended after ${trace.products} products, when its part of the time was up.`,
    );
}

/** From the gradients of single samples: exact, and cheaper than estimates are. Tells whether the model runs on one sample. */
async function measureFisherTrace(
  { model, options, parameters }: SpectrumTask,
  found: SpectrumFound,
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
  { size, steps, options, journal: keeper }: SpectrumTask,
  operator: LinearOperator,
  found: SpectrumFound,
  progress: ProgressTracker,
  timeSpent?: TimeSpent,
  signal?: AbortSignal,
): Promise<void> {
  const { seed, probes } = options;
  progress.begin('density', 'Spectrum');
  for await (const step of stochasticLanczos(operator, {
    ...{ steps, probes, seed, timeSpent, keeper, signal },
  })) {
    const { quadratures, outliers, extremes, bulkRange, products, maxProducts } = step;
    // A single start vector has no error.
    if (extremes && quadratures.length > Math.max(1, found.density?.quadratures.length ?? 0)) {
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
  const through = found.density?.quadratures.length ?? 0;
  if (through < probes) found.timeStops.push(`The time was up after ${through} of ${probes} start vectors.`);
}
