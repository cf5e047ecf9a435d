import type { Problem } from '../curvature/problem';
import type { RitzValue } from '../estimators/result';
import type { Quadrature } from '../estimators/spectrum';
import type { Diagnostic } from '../report/schema';
import type { TraceReport } from '../report/spectrum';
import { STABILITY_VERSION, type StabilityReport } from '../report/stability';
import { criticalBatchSize } from '../training/learningRateBand';
import { fullBatchBounds, stableProduct, type Training } from '../training/optimizers';
import { suggest } from '../training/suggest';
import { bandFor, noisePart, verdict } from '../training/verdict';
import type { BatchCurve } from './batchCurve';
import { labelledSamples } from './drawBatch';
import { note } from './note';
import type { OpenedMatrix } from './openMatrix';
import type { StabilityOptions } from './matrixOptions';
import { reportHead } from './reportHead';

/** What was measured of the matrix that is trained on. */
export interface MeasuredCurvature {
  readonly largest: RitzValue;
  readonly smallest: RitzValue;
  readonly trace: TraceReport;
  readonly quadratures: readonly Quadrature[];
  /** Absent before any batch is measured. */
  readonly curve?: BatchCurve;
  readonly isPreconditioned: boolean;
}

/** Puts together what the measurements mean for training. */
export function stabilityReport(
  { training, matrix, batches, seed, executionProvider }: StabilityOptions,
  { model, ready, size, predictedBytes }: OpenedMatrix,
  { largest, smallest, trace, quadratures, curve, isPreconditioned }: MeasuredCurvature,
  { complete, timings }: { readonly complete: boolean; readonly timings: Readonly<Record<string, number>> },
): StabilityReport {
  const { problem } = ready;
  const curvature = { largest, trace, settings: { isPreconditioned } };
  const bandAt = (batchSize: number) => bandFor({ ...training, batchSize }, curvature);
  const most = stableProduct(training.optimizer, training.momentum);
  const rateAt = (lambda: number): number | null => (lambda > 0 ? most / lambda : null);
  return {
    format: 'curvature-stability',
    version: STABILITY_VERSION,
    ...reportHead({ model, ready }, complete),
    training,
    settings: {
      ...{ loss: problem.loss.kind, matrix, isPreconditioned, batches, seed, executionProvider },
      batch: problem.batch,
    },
    memory: { predictedBytes: Math.round(predictedBytes) },
    ...{ size, largest, smallest, trace },
    band: bandAt(training.batchSize),
    criticalBatchSize: criticalBatchSize(noisePart(curvature)),
    bounds: fullBatchBounds(training, largest.value),
    noise: curve?.noise ?? null,
    batchSizes: (curve?.sizes ?? []).map(b => ({
      ...b,
      learningRate: { measured: rateAt(b.largest.mean), formula: rateAt(b.formula) },
      band: bandAt(b.batchSize),
    })),
    suggestion: suggest({ largest: largest.value, smallest: smallest.value }, quadratures),
    diagnostics: [
      verdict(training, curvature),
      ...notesOf(training, problem, largest.value, trace),
      ...ready.diagnostics,
    ],
    timings,
  };
}

function notesOf(
  { batchSize, optimizer }: Training,
  problem: Problem,
  largest: number,
  trace: TraceReport,
): Diagnostic[] {
  const { samples } = problem.dataset;
  const unlabelled = samples - labelledSamples(problem).length;
  return [
    note(
      'quadratic-model',
      'All of this holds in the quadratic model at these weights, without weight decay, with BatchNormalization as the model has it.',
    ),
    ...(batchSize >= samples
      ? [
          note(
            'few-samples',
            `A batch of ${batchSize} holds more than the ${samples} samples at hand, which stand for all.`,
          ),
        ]
      : []),
    ...(unlabelled > 0
      ? [
          note(
            'unlabelled-samples',
            `${unlabelled} of the ${samples} samples have no label that counts and take no part in the loss; random batches are drawn from the others.`,
          ),
        ]
      : []),
    ...(trace.estimate < largest
      ? [
          note(
            'negative-curvature',
            'The loss bends downwards so much that its trace is below λmax; the bands are computed with λmax in its place. The Gauss–Newton matrix (--matrix ggn) has no negative part.',
          ),
        ]
      : []),
    ...(optimizer === 'adam'
      ? [
          note(
            'adam-state',
            `Adam's steps are not in the model. They are taken from the gradients of ${batchSize >= samples ? 'all samples' : `random batches of ${batchSize}`} at these weights.`,
          ),
        ]
      : []),
  ];
}
