import type { LinearOperator } from '../curvature/linearOperator';
import { matrixOperator } from '../curvature/products';
import { CurvatureError } from '../errors';
import { topEigenspace } from '../estimators/eigenspace';
import { once } from '../estimators/keeper';
import {
  spectrumBytes,
  spectrumStepsWithin,
  stochasticLanczos,
  type StochasticLanczosProgress,
} from '../estimators/stochasticLanczos';
import { chooseTraceMethod, estimateTrace, traceBytes, type TraceMethod } from '../estimators/trace';
import type { StabilityReport } from '../report/stability';
import type { TraceReport } from '../report/spectrum';
import { preconditioned } from '../training/adam';
import { adamSteps } from './adamSteps';
import { batchCurve } from './batchCurve';
import { matrixFingerprint } from './journal';
import { openMatrix } from './openMatrix';
import type { MatrixHooks, StabilityOptions } from './options';
import { ProgressTracker } from './progress';
import { secondsSince } from './run';
import { stabilityReport } from './stabilityReport';
import { traceReport } from './traceReport';

/** Of the spectrum, only its ends and where most of its mass lies are needed. */
const STEPS = 60;
const PROBES = 2;
/** Products that the trace may take, and the error at which it is good enough. */
const MAX_PRODUCTS = 60;
const RTOL = 0.05;

/**
 * Whether training with the given settings is stable near the weights at hand: bounds of the optimizers, the band that the noise of the batches
 * leaves open, λmax of batches by their size, and settings that would be stable. All in the quadratic model, without weight decay,
 * and for BatchNormalization as the model has it.
 * @throws CurvatureError
 */
export async function stability(
  options: StabilityOptions,
  hooks: MatrixHooks = {},
): Promise<StabilityReport> {
  const progress = new ProgressTracker(p => hooks.onProgress?.(p));
  const { batches, seed, training } = options;
  progress.plan([
    { stage: 'load', cost: 2 },
    { stage: 'trace', cost: MAX_PRODUCTS },
    { stage: 'density', cost: (1 + PROBES) * STEPS },
    { stage: 'batches', cost: 30 + 15 * batches },
  ]);
  progress.begin('load', 'Reading the model');
  const started = performance.now();
  let method: TraceMethod = 'exact';
  let steps = 0;
  const { journal } = hooks;
  // What fits into memory now may differ from what did when the run that is resumed began.
  const settled = journal?.settled;
  const opened = await openMatrix({ ...options, batch: options.batch ?? settled?.batch }, (size, room) => {
    method = (settled?.['method'] as TraceMethod | undefined) ?? chooseTraceMethod(size, MAX_PRODUCTS, room);
    steps = Number(settled?.['steps'] ?? Math.min(STEPS, size, spectrumStepsWithin(room, size)));
    return Math.max(spectrumBytes(size, steps), traceBytes(method, size, MAX_PRODUCTS));
  });
  const { optimizer, batchSize } = training;
  journal?.begin({
    ...matrixFingerprint('stability', opened, options),
    // Of the training's settings only Adam's steps are part of the matrix.
    ...{ steps, method, steppedBy: optimizer === 'adam' ? `adam with batches of ${batchSize}` : 'sgd' },
  });
  const { parameters } = opened;
  const { problem } = opened.ready;
  const timings: Record<string, number> = { load: secondsSince(started) };
  const timed = async <T>(stage: string, body: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    const result = await body();
    timings[stage] = secondsSince(start);
    return result;
  };
  const plain = await matrixOperator(options.matrix, problem, parameters, hooks.signal);
  try {
    const scale =
      training.optimizer === 'adam'
        ? await timed('gradients', () =>
            adamSteps(problem, parameters, training.batchSize, seed, hooks.signal),
          )
        : undefined;
    const scaled = (operator: LinearOperator): LinearOperator =>
      scale ? preconditioned(operator, scale) : operator;
    const operator = scaled(plain);
    const trace = await timed('trace', () => traceOf(operator, method, seed, progress, hooks));
    const { extremes, quadratures } = await timed('density', () =>
      spectrumOf(operator, steps, seed, progress, hooks),
    );
    const { largest, smallest } = extremes;
    if (largest.value <= 0)
      throw new CurvatureError(
        'model-unsupported',
        'The loss has no direction of positive curvature here: no learning rate is unstable in the quadratic model.',
        'Give the data with labels that the model was trained on.',
      );
    const curve = await timed('batches', async () => {
      progress.begin('batches', 'Hessians of batches');
      const through = journal?.through('top eigenvector', operator) ?? operator;
      const top = await topEigenspace(through, { count: 2, seed, signal: hooks.signal });
      const settings = {
        ...{ largest: largest.value, vector: top.vectors[0], next: top.values.at(1)?.value },
        ...{ batchSize, batches, seed },
      };
      const search = batchCurve(operator, other => scaled(plain.over(other)), problem, settings, hooks);
      for (;;) {
        const step = await search.next();
        if (step.done) return step.value;
        progress.step('batches', 'Hessians of batches', step.value);
      }
    });
    timings['total'] = secondsSince(started);
    const isPreconditioned = scale !== undefined;
    return stabilityReport(
      options,
      opened,
      { largest, smallest, trace, quadratures, curve, isPreconditioned },
      timings,
    );
  } finally {
    await plain.dispose();
  }
}

async function traceOf(
  operator: LinearOperator,
  method: TraceMethod,
  seed: number,
  progress: ProgressTracker,
  { journal, signal }: MatrixHooks,
): Promise<TraceReport> {
  progress.begin('trace', `Trace by ${method}`);
  return once(journal, 'trace', async () => {
    let found: TraceReport | undefined;
    const options = { seed, rtol: RTOL, maxProducts: MAX_PRODUCTS, keeper: journal, signal };
    for await (const { estimates, samples: products, cap } of estimateTrace(method, operator, options)) {
      progress.step('trace', `Trace by ${method}: product ${products} of at most ${cap}`, products / cap);
      if (estimates.length > 0) found = traceReport(estimates[0], method, products);
    }
    return found!;
  });
}

async function spectrumOf(
  operator: LinearOperator,
  steps: number,
  seed: number,
  progress: ProgressTracker,
  { journal: keeper, signal }: MatrixHooks,
) {
  progress.begin('density', 'Spectrum');
  let found: StochasticLanczosProgress | undefined;
  for await (const step of stochasticLanczos(operator, { steps, probes: PROBES, seed, keeper, signal })) {
    found = step;
    progress.step(
      'density',
      `Spectrum: product ${step.products} of at most ${step.maxProducts}`,
      step.products / step.maxProducts,
    );
  }
  return { extremes: found!.extremes!, quadratures: found!.quadratures };
}
