import type { LinearOperator } from '../curvature/linearOperator';
import { matrixOperator } from '../curvature/products';
import { CurvatureError } from '../errors';
import { topEigenspace } from '../estimators/eigenspace';
import { once } from '../estimators/keeper';
import { spectrumBytes, spectrumStepsWithin, stochasticLanczos } from '../estimators/stochasticLanczos';
import { chooseTraceMethod, estimateTrace, traceBytes, type TraceMethod } from '../estimators/trace';
import type { StabilityReport } from '../report/stability';
import type { TraceReport } from '../report/spectrum';
import { preconditioned } from '../training/adam';
import { adamSteps } from './adamSteps';
import { batchCurve } from './batchCurve';
import { matrixFingerprint } from './journal';
import { openMatrix, type OpenedMatrix } from './openMatrix';
import type { MatrixHooks } from './hooks';
import type { StabilityOptions } from './matrixOptions';
import { inParts } from './partials';
import { ProgressTracker } from './progress';
import { secondsSince } from './run';
import { type MeasuredCurvature, stabilityReport } from './stabilityReport';
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
 *
 * When it is cancelled or fails, what was found goes to `onPartial` before the error is thrown.
 * @throws CurvatureError
 */
export async function stability(
  options: StabilityOptions,
  hooks: MatrixHooks<StabilityReport> = {},
): Promise<StabilityReport> {
  const progress = new ProgressTracker(p => hooks.onProgress?.(p));
  const { batches, training } = options;
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
  const found: Found = { timings: { load: secondsSince(started) } };
  const report = (complete: boolean): StabilityReport | undefined => {
    const measured = measuredOf(found);
    return measured && stabilityReport(options, opened, measured, { complete, timings: found.timings });
  };
  await inParts(
    hooks.onPartial,
    () => report(false),
    foundMore => measure({ opened, options, method, steps, hooks }, found, progress, foundMore),
  );
  found.timings['total'] = secondsSince(started);
  return report(true)!;
}

/** What is to be done, settled before anything runs. */
interface Task {
  readonly opened: OpenedMatrix;
  readonly options: StabilityOptions;
  readonly method: TraceMethod;
  readonly steps: number;
  readonly hooks: Pick<MatrixHooks<never>, 'journal' | 'signal'>;
}

/** What is found so far. */
type Found = { -readonly [K in keyof MeasuredCurvature]?: MeasuredCurvature[K] } & {
  readonly timings: Record<string, number>;
};

/** What a report can be made of: trace and both ends, once a start vector tells how the rest lies. */
function measuredOf({ timings: _, ...found }: Found): MeasuredCurvature | undefined {
  const { largest, smallest, trace, quadratures = [], isPreconditioned } = found;
  if (!largest || !smallest || !trace || isPreconditioned === undefined) return undefined;
  if (quadratures.length === 0 || largest.value <= 0) return undefined;
  return { ...found, largest, smallest, trace, quadratures, isPreconditioned };
}

async function measure(
  { opened, options, method, steps, hooks }: Task,
  found: Found,
  progress: ProgressTracker,
  foundMore: () => void,
): Promise<void> {
  const { batches, seed, training, matrix } = options;
  const { parameters, ready } = opened;
  const { problem } = ready;
  const { journal, signal } = hooks;
  const timed = async <T>(stage: string, body: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    const result = await body();
    found.timings[stage] = secondsSince(start);
    return result;
  };
  const plain = await matrixOperator(matrix, problem, parameters, signal);
  try {
    const scale =
      training.optimizer === 'adam'
        ? await timed('gradients', () => adamSteps(problem, parameters, training.batchSize, seed, signal))
        : undefined;
    found.isPreconditioned = scale !== undefined;
    const scaled = (operator: LinearOperator): LinearOperator =>
      scale ? preconditioned(operator, scale) : operator;
    const operator = scaled(plain);
    found.trace = await timed('trace', () => traceOf(operator, method, seed, progress, hooks));
    await timed('density', async () => {
      progress.begin('density', 'Spectrum');
      const settings = { steps, probes: PROBES, seed, keeper: journal, signal };
      for await (const step of stochasticLanczos(operator, settings)) {
        const { extremes, quadratures, products, maxProducts } = step;
        Object.assign(found, extremes, { quadratures });
        progress.step(
          'density',
          `Spectrum: product ${products} of at most ${maxProducts}`,
          products / maxProducts,
        );
        foundMore();
      }
    });
    const { value: largest } = found.largest!;
    if (largest <= 0)
      throw new CurvatureError(
        'model-unsupported',
        'The loss has no direction of positive curvature here: no learning rate is unstable in the quadratic model.',
        'Give the data with labels that the model was trained on.',
      );
    await timed('batches', async () => {
      progress.begin('batches', 'Hessians of batches');
      const through = journal?.through('top eigenvector', operator) ?? operator;
      const top = await topEigenspace(through, { count: 2, seed, signal });
      const settings = {
        ...{ largest, vector: top.vectors[0], next: top.values.at(1)?.value },
        ...{ batchSize: training.batchSize, batches, seed },
      };
      const search = batchCurve(operator, other => scaled(plain.over(other)), problem, settings, hooks);
      for await (const { share, curve } of search) {
        found.curve = curve;
        progress.step('batches', 'Hessians of batches', share);
        foundMore();
      }
    });
  } finally {
    await plain.dispose();
  }
}

async function traceOf(
  operator: LinearOperator,
  method: TraceMethod,
  seed: number,
  progress: ProgressTracker,
  { journal, signal }: Task['hooks'],
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
