import type { RitzValue } from '../estimators/result';
import { type Band, learningRateBand } from './learningRateBand';
import { optimizerName, stableProduct, type Training } from './optimizers';

/** What was measured of the matrix that is trained on; a report of stability has all of it. */
export interface Curvature {
  readonly largest: RitzValue;
  readonly trace: { readonly estimate: number };
  /** Of the Hessian divided by Adam's steps. */
  readonly settings: { readonly isPreconditioned: boolean };
}

export interface Verdict {
  /** `error`: unstable; `warning`: the noise of batches decides; `info`: stable. */
  readonly severity: 'error' | 'warning' | 'info';
  readonly code: 'unstable' | 'edge-of-stability' | 'stable';
  readonly message: string;
}

/** The noise of float32 products, beside their length. */
const ROUNDING = 1e-6;
/** Digits of λmax that this leaves. */
const LARGEST_DIGITS = 6;

/** λmax and the trace as bands take them: what bends downwards makes the trace small, and the noise of batches none the smaller. */
export const noisePart = ({ largest: { value }, trace: { estimate } }: Curvature) => ({
  largest: value,
  trace: Math.max(estimate, value),
});

/** The learning rates between which the noise of batches decides, for the optimizer, momentum and batch size that are trained with. */
export const bandFor = (
  { optimizer, momentum, batchSize }: Omit<Training, 'learningRate'>,
  curvature: Curvature,
): Band => learningRateBand({ ...noisePart(curvature), optimizer, momentum, batchSize });

/** What λmax may be off by. */
export const largestError = ({ largest: { value, residual } }: Curvature): number =>
  Math.abs(value) * Math.max(residual, ROUNDING);

/** Whether what was measured tells of training with this optimizer: Adam's matrix is not that of the others. */
export const isMeasuredFor = (
  { optimizer }: Pick<Training, 'optimizer'>,
  { settings }: Pick<Curvature, 'settings'>,
): boolean => (optimizer === 'adam') === settings.isPreconditioned;

/** Says what training with these settings does near the weights at hand, in the quadratic model. */
export function verdict(training: Training, curvature: Curvature): Verdict {
  const { learningRate, batchSize, optimizer, momentum } = training;
  const band = bandFor(training, curvature);
  const { value } = curvature.largest;
  const who = `${optimizerName(training)} at lr ${learningRate}`;
  const most = stableProduct(optimizer, momentum) / learningRate;
  const lambda = `λmax ${curvature.settings.isPreconditioned ? 'of the preconditioned Hessian ' : ''}${short(value, LARGEST_DIGITS)} ± ${short(largestError(curvature))}`;
  if (value > most)
    return {
      severity: 'error',
      code: 'unstable',
      message: `${who} is linearly unstable here: ${lambda} > ${short(most)}. Below lr ${short(band.sufficient)} it is stable with batches of ${batchSize}.`,
    };
  const noise = `with batches of ${batchSize} (trace ${short(curvature.trace.estimate)})`;
  if (learningRate > band.necessary)
    return {
      severity: 'error',
      code: 'unstable',
      message: `${who} is linearly unstable here ${noise}: the noise of the batches allows ${short(band.necessary)} at most. Below lr ${short(band.sufficient)} it is stable.`,
    };
  if (learningRate > band.sufficient)
    return {
      severity: 'warning',
      code: 'edge-of-stability',
      message: `${who} may be unstable here ${noise}: stable below lr ${short(band.sufficient)}, unstable above ${short(band.necessary)}.`,
    };
  return {
    severity: 'info',
    code: 'stable',
    message: `${who} is linearly stable here ${noise}: ${lambda} ≤ ${short(most)}, and it would be up to lr ${short(band.sufficient)}.`,
  };
}

/** The verdict in a word, for what comes before its sentence. */
export const verdictWord = ({ severity }: Pick<Verdict, 'severity'>): string =>
  ({ error: 'Unstable', warning: 'Warning', info: 'Stable' })[severity];

function short(x: number, digits = 3): string {
  const rounded = Number(x.toPrecision(digits));
  return Math.abs(rounded) < 1e-4 ? rounded.toExponential() : String(rounded);
}
