import type { Training } from './optimizers';
import type { Suggestion } from './suggest';
import { bandFor, type Curvature } from './verdict';

/** The largest learning rate that is surely stable on all of these with the other settings, rounded down to `digits` digits. */
export const stableRate = (
  settings: Omit<Training, 'learningRate'>,
  curvatures: readonly Curvature[],
  digits = 2,
): number => roundedDown(Math.min(...curvatures.map(one => bandFor(settings, one).sufficient)), digits);

/** Nobody trains with larger batches to make a learning rate stable. */
const LARGEST_BATCH = 65_536;

/** The smallest power of two that is surely stable as the batch size with the other settings; undefined where none is. */
export function stableBatchSize(training: Training, curvatures: readonly Curvature[]): number | undefined {
  const isStable = (batchSize: number): boolean =>
    curvatures.every(one => training.learningRate <= bandFor({ ...training, batchSize }, one).sufficient);
  for (let size = 1; size <= LARGEST_BATCH; size *= 2) if (isStable(size)) return size;
  return undefined;
}

/**
 * The suggested momentum with the suggested learning rate, or the largest stable one where the noise of batches allows less. On
 * the preconditioned loss, Adam's step is that of heavy ball with η(1 − β₁).
 */
export function suggestedTraining(
  { batchSize }: Pick<Training, 'batchSize'>,
  curvature: Curvature,
  suggestion: Pick<Suggestion, 'learningRate' | 'momentum'>,
): Training {
  const { isPreconditioned } = curvature.settings;
  // The fastest rate is close to the largest stable one, which grows with the momentum.
  const momentum = Math.min(Math.ceil(suggestion.momentum * 1000) / 1000, 0.999);
  const settings = {
    optimizer: isPreconditioned ? ('adam' as const) : ('sgd' as const),
    batchSize,
    momentum,
  };
  const fastest = suggestion.learningRate / (isPreconditioned ? 1 - momentum : 1);
  const learningRate = Math.min(roundedDown(fastest, 3), stableRate(settings, [curvature], 3));
  return { ...settings, learningRate };
}

/** With `digits` significant digits, and no larger than it was. */
function roundedDown(value: number, digits: number): number {
  const unit = 10 ** (Math.floor(Math.log10(value)) - digits + 1);
  const rounded = Number((Math.floor(value / unit) * unit).toPrecision(digits));
  // A value a rounding error below a whole number of units comes out as that number.
  return rounded <= value ? rounded : Number((rounded - unit).toPrecision(digits));
}
