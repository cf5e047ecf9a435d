import type { BatchSizeReport, StabilityReport } from '../../src/engine/report/stability';
import { largestOfBatch } from '../../src/engine/training/batchCurvature';
import type { Band } from '../../src/engine/training/learningRateBand';
import { stableProduct, type Training } from '../../src/engine/training/optimizers';
import { bandFor } from '../../src/engine/training/verdict';

/** Learning rates of batches of one size. */
export interface BandPoint extends Band {
  readonly batchSize: number;
}

/** The largest stable learning rate of a batch's own loss, from the mean λmax of random batches, and from that less and plus its standard error. */
export interface MeasuredPoint {
  readonly batchSize: number;
  readonly rate: number;
  readonly low: number;
  /** Infinite where λmax is within its error of 0. */
  readonly high: number;
}

/** Reports say it where the noise of batches of a size is too large for the formula. */
export const isOutside = ({ formulaHolds }: BatchSizeReport): boolean => formulaHolds === false;

export interface LearningRateCurves {
  readonly band: readonly BandPoint[];
  readonly formula: readonly { readonly batchSize: number; readonly rate: number }[];
  /** Up to this batch size the formula is outside of its range; 0 where it never is. */
  readonly formulaFrom: number;
  readonly measured: readonly MeasuredPoint[];
}

/** Points of a curve in each doubling of the batch size. */
const PER_DOUBLING = 3;

/** Batch sizes from 1 up, evenly on a logarithmic axis; they need not be whole. */
function sizesTo(largest: number): number[] {
  const count = Math.ceil(PER_DOUBLING * Math.log2(Math.max(2, largest)));
  return Array.from({ length: count + 1 }, (_, i) => largest ** (i / count));
}

/** The largest stable learning rates by batch size, for this optimizer and momentum. */
export function learningRateCurves(
  study: StabilityReport,
  { optimizer, momentum }: Pick<Training, 'optimizer' | 'momentum'>,
  largestBatch: number,
): LearningRateCurves {
  const { samples, batchSizes, noise } = study;
  const most = stableProduct(optimizer, momentum);
  const sizes = sizesTo(largestBatch);
  return {
    band: sizes.map(batchSize => ({ batchSize, ...bandFor({ optimizer, momentum, batchSize }, study) })),
    formula: noise
      ? sizes.map(batchSize => {
          const ofBatches = { largest: study.largest.value, variance: noise.variance, samples };
          return { batchSize, rate: most / largestOfBatch(ofBatches, batchSize) };
        })
      : [],
    formulaFrom: Math.max(0, ...batchSizes.filter(isOutside).map(({ batchSize }) => batchSize)),
    measured: batchSizes.flatMap(({ batchSize, largest: { mean, stderr } }) => {
      if (mean <= 0) return [];
      const high = mean > stderr ? most / (mean - stderr) : Infinity;
      return [{ batchSize, rate: most / mean, low: most / (mean + stderr), high }];
    }),
  };
}
