import type { Parameter } from '../curvature/parameters';
import type { Problem } from '../curvature/problem';
import { Gradients } from '../curvature/products';
import { CurvatureError } from '../errors';
import { adamScale } from '../training/adam';
import { Rng } from '../util/rng';
import { drawBatch, labelledSamples } from './drawBatch';

/** Batches whose gradients stand for those that Adam has seen. */
const BATCHES = 32;

/**
 * The diagonal of Adam's preconditioner at these weights, from gradients of random batches.
 * @throws CurvatureError `option-invalid` for a loss without labels, whose gradients are zero
 */
export async function adamSteps(
  problem: Problem,
  parameters: readonly Parameter[],
  batchSize: number,
  seed: number,
  signal?: AbortSignal,
): Promise<Float64Array> {
  if (!problem.loss.isLabelled) {
    throw new CurvatureError(
      'option-invalid',
      "Adam's steps are made of the gradients of the loss, which are zero without labels: the model is measured against itself then.",
      'Give data with labels or targets, or take --optimizer sgd.',
    );
  }
  const among = labelledSamples(problem);
  const isAll = batchSize >= among.length;
  const batches = isAll ? 1 : BATCHES;
  const meanSquares = new Float64Array(parameters.reduce((sum, p) => sum + p.size, 0));
  const gradients = await Gradients.create(problem, parameters, signal);
  try {
    for (let k = 0; k < batches; k++) {
      const batch = isAll ? problem : drawBatch(problem, among, batchSize, Rng.of(seed, 'adam', k));
      const { gradient } = await gradients.over(batch);
      let at = 0;
      for (const part of gradient.values()) for (const g of part) meanSquares[at++] += (g * g) / batches;
    }
  } finally {
    await gradients.dispose();
  }
  return adamScale(meanSquares);
}
