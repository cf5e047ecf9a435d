import { onSamples, type Problem } from '../curvature/problem';
import type { LinearOperator } from '../curvature/linearOperator';
import { once } from '../estimators/keeper';
import { lanczos } from '../estimators/lanczos';
import type { BatchSizeReport } from '../report/stability';
import { effectiveBatchSize, largestOfBatch } from '../training/batchCurvature';
import type { MatrixHooks } from './options';
import { Rng } from '../util/rng';
import { RunningMoments } from '../util/statistics';
import { axpy, dot, type Vector } from '../util/vector';

/** Good enough for a mean over batches that differ by far more. */
const TOLERANCE = 1e-3;
const MOST_STEPS = 40;

export interface BatchCurveOptions {
  /** The largest eigenvalue over all samples, and its unit eigenvector. */
  readonly largest: number;
  readonly vector: Vector;
  /** The batch size that is trained with. */
  readonly batchSize: number;
  /** Random batches of each size. */
  readonly batches: number;
  readonly seed: number;
}

export interface BatchCurve {
  /** b ‖(H_B − H)u‖² in the mean over all batches for the top eigenvector u, without the part along u; with its error. */
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
 * λmax of the Hessians of random batches, by batch size, beside the formula. Every batch is drawn from all samples
 * without repetition, whatever the others hold.
 *
 * Yields the share that is done, and returns the curve.
 */
export async function* batchCurve(
  operator: LinearOperator,
  over: (problem: Problem) => LinearOperator,
  problem: Problem,
  { largest, vector, batchSize, batches, seed }: BatchCurveOptions,
  { journal, signal }: MatrixHooks = {},
): AsyncGenerator<number, BatchCurve, void> {
  const { samples } = problem.dataset;
  const whole = await (journal?.through('along the top', operator) ?? operator).apply(vector);
  const sizes = batchSizes(samples, batchSize);
  const noise = new RunningMoments();
  const measured: { size: number; moments: RunningMoments; most: number }[] = [];
  for (const size of sizes) {
    const moments = new RunningMoments();
    let most = -Infinity;
    for (let k = 0; k < batches; k++) {
      const { form, value } = await once(journal, `batch ${k} of ${size}`, async () => {
        const batch = over(onSamples(problem, drawSamples(samples, size, Rng.of(seed, 'batch', size, k))));
        const difference = await batch.apply(vector);
        axpy(-1, whole, difference);
        // What lies along the vector moves λmax up as often as down.
        axpy(-dot(vector, difference), vector, difference);
        return { form: dot(difference, difference), value: await largestEigenvalue(batch, seed, signal) };
      });
      noise.add(effectiveBatchSize(size, samples) * form);
      moments.add(value);
      most = Math.max(most, value);
      yield (measured.length + (k + 1) / batches) / sizes.length;
    }
    measured.push({ size, moments, most });
  }
  const variance = noise.mean;
  return {
    noise: { variance, stderr: noise.count < 2 ? 0 : noise.stderr },
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
