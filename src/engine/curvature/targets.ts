import { IGNORED_LABEL, type LossSpec, termsPerSample } from '../autodiff/loss';
import type { DataArray } from '../data/array';
import { CurvatureError } from '../errors';

/** Labels or targets in the type that the loss takes. */
export interface Targets {
  readonly data: BigInt64Array | Float32Array;
  /** Number of terms the mean is taken over. */
  readonly count: number;
}

/**
 * Checks and converts labels (int64 class indices) or targets (float32).
 * @throws CurvatureError `labels-invalid` naming the first label that is no class
 */
export function toTargets(array: DataArray, loss: LossSpec): Targets {
  if (loss.kind === 'mse')
    return { data: Float32Array.from(array.data as ArrayLike<number>, Number), count: array.data.length };
  const classes = loss.shape[loss.classAxis];
  const labels = BigInt64Array.from(array.data as ArrayLike<number>, v => BigInt(v));
  let count = 0;
  labels.forEach((label, i) => {
    if (label === BigInt(IGNORED_LABEL)) return;
    if (label < 0n || label >= BigInt(classes)) {
      throw new CurvatureError(
        'labels-invalid',
        `Label ${label} at flat index ${i} of '${array.name}' is out of range; the output has ${classes} classes, so 0 to ${classes - 1} are expected (${IGNORED_LABEL} to ignore).`,
        'Choose the data that belong to this model, or renumber the labels.',
      );
    }
    count++;
  });
  if (count === 0)
    throw new CurvatureError(
      'labels-invalid',
      `All labels of '${array.name}' are ${IGNORED_LABEL}: nothing is left to measure.`,
    );
  return { data: labels, count };
}

/** Terms the mean is taken over where there are no labels. */
export const countTerms = (loss: LossSpec, samples: number): number => samples * termsPerSample(loss);
