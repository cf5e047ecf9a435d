import { onSamples, type Problem } from '../curvature/problem';
import type { LinearOperator } from '../curvature/linearOperator';
import { lanczos } from '../estimators/lanczos';
import type { BatchSizeReport } from '../report/stability';
import { effectiveBatchSize, largestOfBatch } from '../training/batchCurvature';
import { Rng } from '../util/rng';
import { RunningMoments } from '../util/statistics';
import { axpy, dot } from '../util/vector';

/** Random directions along which batches are compared with all samples. */
const DIRECTIONS = 16;
/** Good enough for a mean over batches that differ by far more. */
const TOLERANCE = 1e-3;
const MOST_STEPS = 40;

export interface BatchCurveOptions {
  /** Over all samples. */
  readonly largest: number;
  /** The batch size that is trained with. */
  readonly batchSize: number;
  /** Random batches of each size. */
  readonly batches: number;
  readonly seed: number;
}

export interface BatchCurve {
  /** b ‖(H_B − H)v‖²/‖v‖² in the mean over all batches, with its error. */
  readonly noise: { readonly variance: number; readonly stderr: number };
  readonly sizes: readonly Pick<BatchSizeReport, 'batchSize' | 'batches' | 'largest' | 'formula'>[];
}

/** Powers of two up to half of the samples, and the size that is trained with. */
export function batchSizes(samples: number, own: number): number[] {
  const sizes = own < samples ? [own] : [];
  for (let size = 1; size <= samples / 2; size *= 2) if (size !== own) sizes.push(size);
  return sizes.sort((a, b) => a - b);
}

/**
 * λmax of the Hessians of random batches, by batch size, beside the formula for noise without structure. Every batch is drawn from all samples
 * without repetition, whatever the others hold.
 *
 * Yields the share that is done, and returns the curve.
 */
export async function* batchCurve(
  operator: LinearOperator,
  over: (problem: Problem) => LinearOperator,
  problem: Problem,
  { largest, batchSize, batches, seed }: BatchCurveOptions,
  signal?: AbortSignal,
): AsyncGenerator<number, BatchCurve, void> {
  const { samples } = problem.dataset;
  const directions = Array.from({ length: DIRECTIONS }, (_, k) =>
    Rng.of(seed, 'batch noise', k).rademacher(operator.size),
  );
  const products: Float64Array[] = [];
  for (const v of directions) products.push(await operator.apply(v));
  const sizes = batchSizes(samples, batchSize);
  const noise = directions.map(() => new RunningMoments());
  let drawn = 0;
  const measured: { size: number; moments: RunningMoments; most: number }[] = [];
  for (const size of sizes) {
    const moments = new RunningMoments();
    let most = -Infinity;
    for (let k = 0; k < batches; k++) {
      const batch = over(onSamples(problem, drawSamples(samples, size, Rng.of(seed, 'batch', size, k))));
      const direction = drawn++ % DIRECTIONS;
      const difference = await batch.apply(directions[direction]);
      axpy(-1, products[direction], difference);
      noise[direction].add((effectiveBatchSize(size, samples) * dot(difference, difference)) / operator.size);
      const value = await largestEigenvalue(batch, seed, signal);
      moments.add(value);
      most = Math.max(most, value);
      yield (measured.length + (k + 1) / batches) / sizes.length;
    }
    measured.push({ size, moments, most });
  }
  // Batches share directions, so that only the means of these are independent.
  const means = new RunningMoments();
  for (const { count, mean } of noise) if (count > 0) means.add(mean);
  const variance = means.mean;
  return {
    noise: { variance, stderr: means.count < 2 ? 0 : means.stderr },
    sizes: measured.map(({ size, moments, most }) => ({
      batchSize: size,
      batches: moments.count,
      largest: { mean: moments.mean, stderr: moments.stderr, most },
      formula: largestOfBatch({ largest, variance, samples }, size),
    })),
  };
}

/** So many of the samples, at random, none twice. */
export function drawSamples(samples: number, count: number, random: Rng): number[] {
  const places = Array.from({ length: samples }, (_, i) => i);
  for (let i = 0; i < count; i++) {
    const j = i + random.below(samples - i);
    [places[i], places[j]] = [places[j], places[i]];
  }
  return places.slice(0, count);
}

async function largestEigenvalue(
  operator: LinearOperator,
  seed: number,
  signal?: AbortSignal,
): Promise<number> {
  let value = NaN;
  const options = { count: 1, seed, tolerance: TOLERANCE, maxSteps: MOST_STEPS, signal };
  for await (const { eigenvalues } of lanczos(operator, options)) value = eigenvalues[0]?.value ?? value;
  return value;
}
