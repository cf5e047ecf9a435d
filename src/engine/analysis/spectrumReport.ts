import type { LossSpec } from '../autodiff/loss';
import type { TraceMethod } from '../estimators/trace';
import { formatEstimate } from '../report/format';
import type { Diagnostic } from '../report/schema';
import { type Density, SPECTRUM_VERSION, type SpectrumReport, type TraceReport } from '../report/spectrum';
import { isSumApart } from '../report/traceAgainstSum';
import type { ProbeJournal } from './journal';
import { note } from './note';
import type { OpenedMatrix } from './openMatrix';
import type { SpectrumOptions } from './matrixOptions';
import { reportHead } from './reportHead';

/** What is to be done, settled before anything runs. */
export interface SpectrumTask extends OpenedMatrix {
  readonly options: SpectrumOptions;
  readonly journal?: ProbeJournal;
  /** As asked for, but no more than rows or than what fits into memory or time. */
  steps: number;
  readonly method: TraceMethod;
}

/** What is found so far. */
export interface SpectrumFound {
  trace: SpectrumReport['trace'];
  density: SpectrumReport['density'];
  crossCheck?: SpectrumReport['crossCheck'];
  /** Parts that ended because their time was up, in words. */
  readonly timeStops: string[];
  readonly timings: Record<string, number>;
}

/** What is found as a report. @param complete whether all that was asked for is there */
export function spectrumReportOf(
  task: SpectrumTask,
  { timings, timeStops, ...found }: SpectrumFound,
  complete: boolean,
): SpectrumReport {
  const { model, options, ready, parameters, size, steps } = task;
  const { problem } = ready;
  const shown = new Map(model.layers.map(l => [l.initializer, l.name]));
  return {
    format: 'curvature-spectrum',
    version: SPECTRUM_VERSION,
    ...reportHead(task, complete),
    settings: {
      loss: problem.loss.kind,
      matrix: options.matrix,
      parameters: parameters.map(({ name }) => shown.get(name) ?? name),
      isWhole: parameters.length === model.parameters.length,
      steps,
      probes: options.probes,
      rtol: options.rtol,
      ...(options.seconds === undefined ? {} : { seconds: options.seconds }),
      maxProducts: options.maxProducts,
      seed: options.seed,
      batch: problem.batch,
      executionProvider: options.executionProvider,
    },
    memory: { predictedBytes: Math.round(task.predictedBytes) },
    ...classesOf(problem.loss),
    size,
    ...found,
    diagnostics: [...ready.diagnostics, ...diagnosticsOf(task, found, timeStops)],
    timings,
  };
}

const classesOf = ({ kind, shape, classAxis, parts }: LossSpec): { classes?: number } =>
  kind === 'mse' || parts ? {} : { classes: shape[classAxis] };

function diagnosticsOf(
  { options, ready, size, steps }: SpectrumTask,
  { trace, density }: Pick<SpectrumFound, 'trace' | 'density'>,
  timeStops: readonly string[],
): Diagnostic[] {
  const left = ready.withoutDerivatives.length;
  return [
    ...(left > 0 && !options.layers
      ? [note('partial-spectrum', `${left} parameters have no exact second derivatives and are left out.`)]
      : []),
    ...timeStops.map(message => note('time-up', message)),
    ...(timeStops.length === 0 && steps < Math.min(options.steps, size)
      ? [
          note(
            'steps-limited',
            `${steps} of ${options.steps} steps were taken: more do not fit into the memory allowed.`,
          ),
        ]
      : []),
    ...(trace && !trace.converged && timeStops.length === 0
      ? [
          note(
            'probe-cap',
            `The trace did not reach a relative error of ${Number((100 * options.rtol).toPrecision(2))} % within ${trace.products} products. Raise --max-products for a smaller one.`,
          ),
        ]
      : []),
    ...(trace && density && isSumApart(trace, density) ? [note('sum-apart', apartText(trace, density))] : []),
  ];
}

const apartText = (trace: TraceReport, { sum }: Density): string =>
  `The trace, ${formatEstimate(trace)} by ${trace.method}, and Σλ by ${sum.samples} start vectors, ${formatEstimate({ ...sum, exact: false })}, ` +
  'are further apart than in 19 of 20 runs. Both are unbiased: go by the one of smaller error; more --probes make that of Σλ smaller.';
