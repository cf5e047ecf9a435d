import type { Band } from './learningRateBand';
import { optimizerName, stableProduct, type Training } from './optimizers';

export interface Measured {
  /** λmax, and what it may be off by. */
  readonly largest: number;
  readonly error: number;
  readonly trace: number;
  readonly band: Band;
  readonly isPreconditioned: boolean;
}

export interface Verdict {
  /** `error`: unstable; `warning`: the noise of batches decides; `info`: stable. */
  readonly severity: 'error' | 'warning' | 'info';
  readonly code: 'unstable' | 'edge-of-stability' | 'stable';
  readonly message: string;
}

/** Says what training with these settings does near the weights at hand, in the quadratic model. */
export function verdict(
  training: Training,
  { largest, error, trace, band, isPreconditioned }: Measured,
): Verdict {
  const { learningRate, batchSize, optimizer, momentum } = training;
  const who = `${optimizerName(training)} at lr ${learningRate}`;
  const most = stableProduct(optimizer, momentum) / learningRate;
  const lambda = `λmax ${isPreconditioned ? 'of the preconditioned Hessian ' : ''}${short(largest)} ± ${short(error)}`;
  if (largest > most)
    return {
      severity: 'error',
      code: 'unstable',
      message: `${who} is linearly unstable here: ${lambda} > ${short(most)}. Below lr ${short(band.sufficient)} it is stable with batches of ${batchSize}.`,
    };
  const noise = `with batches of ${batchSize} (trace ${short(trace)})`;
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

const short = (x: number): string => String(Number(x.toPrecision(3)));
