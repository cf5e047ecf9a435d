import type { Problem } from '../curvature/problem';
import type { LinearOperator } from '../curvature/linearOperator';
import { once } from '../estimators/keeper';
import { lanczos } from '../estimators/lanczos';
import type { BatchSizeReport } from '../report/stability';
import {
  type BatchNoise,
  effectiveBatchSize,
  formulaHolds,
  largestOfBatch,
} from '../training/batchCurvature';
import { drawBatch, labelledSamples } from './drawBatch';
import type { MatrixHooks } from './hooks';
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
  /** The second largest eigenvalue; absent for a single row. */
  readonly next?: number;
  /** The batch size that is trained with. */
  readonly batchSize: number;
  /** Random batches of each size. */
  readonly batches: number;
  readonly seed: number;
}

export interface BatchCurve {
  /**
   * b ‖(H_B − H)u‖² in the mean over all batches for the top eigenvector u, without the part along u, with its error; and that part. Null as long
   * as a single batch tells no error.
   */
  readonly noise: { readonly variance: number; readonly stderr: number; readonly along: number } | null;
  readonly sizes: readonly Pick<
    BatchSizeReport,
    'batchSize' | 'batches' | 'largest' | 'formula' | 'formulaHolds'
  >[];
}

/** Powers of two up to half of the samples, and the size that is trained with. */
export function batchSizes(samples: number, own: number): number[] {
  const sizes = own < samples ? [own] : [];
  for (let size = 1; size <= samples / 2; size *= 2) if (size !== own) sizes.push(size);
  return sizes.sort((a, b) => a - b);
}

/**
 * λmax of the Hessians of random batches, by batch size, beside the formula. Every batch is drawn from all samples that take part in the loss,
 * without repetition, whatever the others hold.
 *
 * Yields the share that is done and the curve so far, in which sizes stand that two batches or more were measured of; the last one is whole.
 */
export async function* batchCurve(
  operator: LinearOperator,
  over: (problem: Problem) => LinearOperator,
  problem: Problem,
  { largest, vector, next, batchSize, batches, seed }: BatchCurveOptions,
  { journal, signal }: Pick<MatrixHooks<never>, 'journal' | 'signal'> = {},
): AsyncGenerator<{ readonly share: number; readonly curve: BatchCurve }, void, void> {
  const among = labelledSamples(problem);
  const samples = among.length;
  const whole = await (journal?.through('along the top', operator) ?? operator).apply(vector);
  const sizes = batchSizes(samples, batchSize);
  const noise = new RunningMoments();
  const along = new RunningMoments();
  const measured: { size: number; moments: RunningMoments; most: number }[] = [];
  const curve = (): BatchCurve => {
    const model: BatchNoise = { largest, next, variance: noise.mean, along: along.mean, samples };
    const stderr = noise.count === 0 ? 0 : noise.stderr;
    return {
      noise: noise.count === 1 ? null : { variance: noise.mean, stderr, along: along.mean },
      sizes: measured
        .filter(({ moments }) => moments.count > 1)
        .map(({ size, moments, most }) => ({
          batchSize: size,
          batches: moments.count,
          largest: { mean: moments.mean, stderr: moments.stderr, most },
          formula: largestOfBatch(model, size),
          formulaHolds: formulaHolds(model, size),
        })),
    };
  };
  for (const size of sizes) {
    const ofSize = { size, moments: new RunningMoments(), most: -Infinity };
    measured.push(ofSize);
    for (let k = 0; k < batches; k++) {
      const found = await once(journal, `batch ${k} of ${size}`, async () => {
        const batch = over(drawBatch(problem, among, size, Rng.of(seed, 'batch', size, k)));
        const difference = await batch.apply(vector);
        axpy(-1, whole, difference);
        // What lies along the vector moves λmax up as often as down.
        const moved = dot(vector, difference);
        axpy(-moved, vector, difference);
        return {
          moved,
          form: dot(difference, difference),
          value: await largestEigenvalue(batch, seed, signal),
        };
      });
      noise.add(effectiveBatchSize(size, samples) * found.form);
      along.add(effectiveBatchSize(size, samples) * found.moved ** 2);
      ofSize.moments.add(found.value);
      ofSize.most = Math.max(ofSize.most, found.value);
      yield { share: (measured.length - 1 + (k + 1) / batches) / sizes.length, curve: curve() };
    }
  }
  if (sizes.length === 0) yield { share: 1, curve: curve() };
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
