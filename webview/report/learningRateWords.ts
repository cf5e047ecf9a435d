import { matrixNames } from '../../src/engine/report/format';
import type { StabilityReport } from '../../src/engine/report/stability';
import { optimizerName, type Training } from '../../src/engine/training/optimizers';
import { stableRate, suggestedTraining } from '../../src/engine/training/stableSettings';
import { largestError, noisePart } from '../../src/engine/training/verdict';
import { formatCount, formatPercent, typesetNumber, withError } from '../shared/format';
import { isOutside } from './learningRateCurves';

/** What was measured of the whole matrix. */
export function matrixFacts(study: StabilityReport): string {
  const { largest, trace, samples, settings, criticalBatchSize } = study;
  const matrix = settings.isPreconditioned ? 'Hessian divided by Adam’s steps' : matrixNames[settings.matrix];
  const { trace: used } = noisePart(study);
  // Where the trace gives way to λmax, its error plays no part.
  const error = used === trace.estimate ? trace.stderr / largest.value : 0;
  const bound = largest.converged
    ? ''
    : ' λmax has not converged: it is a lower bound, and the learning rates are upper ones.';
  return (
    `On all ${formatCount(samples)} samples, λmax of the ${matrix} is ${withError(largest.value, largestError(study))} and its trace ` +
    `${withError(trace.estimate, trace.stderr)}. The critical batch size is their ratio, ${withError(criticalBatchSize, error)}: ` +
    `larger batches allow hardly larger learning rates.${bound}`
  );
}

/** How λmax of a batch compares with that of all samples, at the batch size at hand or the nearest that was measured. */
export function batchFacts(
  { batchSizes, largest, samples }: StabilityReport,
  { batchSize }: Training,
): string {
  const distance = (size: number): number => Math.abs(Math.log(size / batchSize));
  const [nearest] = [...batchSizes].sort((a, b) => distance(a.batchSize) - distance(b.batchSize));
  if (!nearest) return '';
  const { mean, stderr, most } = nearest.largest;
  return (
    `λmax of a random batch of ${nearest.batchSize} is ${withError(mean, stderr)} in the mean over ${nearest.batches} and ` +
    `${typesetNumber(most)} at most: ${typesetNumber(mean / largest.value, 2)} and ${typesetNumber(most / largest.value, 2)} times that of all ` +
    `${formatCount(samples)} samples.`
  );
}

/** What to train with instead. */
export function suggestionFacts(study: StabilityReport, training: Training): string {
  const { suggestion, settings } = study;
  const { from, to, share } = suggestion;
  const use = suggestedTraining(training, study, suggestion);
  const safe = typesetNumber(stableRate(training, [study]), 2);
  const spread = share < 1 ? `, which hold ${formatPercent(share)} of the positive curvature` : '';
  const form = settings.isPreconditioned ? 'heavy ball on the preconditioned loss' : 'heavy ball';
  return (
    `${optimizerName(training)} is surely stable up to lr ${safe} with batches of ${training.batchSize}. Suggested: ` +
    `lr ${typesetNumber(use.learningRate)}, ${settings.isPreconditioned ? 'β₁' : 'momentum'} ${use.momentum}, stable with these batches. On the full batch, ${form} is fastest with ` +
    `lr ${typesetNumber(suggestion.learningRate)} and momentum ${typesetNumber(suggestion.momentum)}, for curvatures of ` +
    `${typesetNumber(from)} to ${typesetNumber(to)}${spread}.`
  );
}

/** Where the formula says nothing. */
export const outsideFacts = ({ batchSizes }: StabilityReport): string =>
  batchSizes.some(isOutside)
    ? 'In brackets, and pale in the picture: outside of the formula’s range, where the noise of batches along the top eigenvector is more than half of the gap under λmax.'
    : '';
