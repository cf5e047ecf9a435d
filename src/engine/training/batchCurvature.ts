/** What is known of a batch's Hessian as the whole one with noise added. */
export interface BatchNoise {
  /** λmax over all samples. */
  readonly largest: number;
  /** nσ²: b ‖(H_B − H)u‖² in the mean over batches, for the top eigenvector u and without the part along it. */
  readonly variance: number;
  readonly samples: number;
}

/** 1/b = 1/B − 1/N, for batches without repetition; infinite for all samples. */
export const effectiveBatchSize = (batchSize: number, samples: number): number =>
  1 / (1 / batchSize - 1 / samples);

/**
 * λmax of the Hessian of a batch: λ + nσ²/(bλ) above the edge of the noise, else the edge itself, 2√(nσ²/b) (Granziol, Zohren & Roberts,
 * JMLR 23, 2022, arXiv 2006.09092; Benaych-Georges & Nadakuditi 2011).
 *
 * Both are for independent noise of equal size in all entries. The noise of networks has few directions; taken along the top eigenvector, the
 * first is what second-order perturbation gives where the other eigenvalues are small beside λ.
 */
export function largestOfBatch({ largest, variance, samples }: BatchNoise, batchSize: number): number {
  if (batchSize >= samples) return largest;
  const perBatch = variance / effectiveBatchSize(batchSize, samples);
  return largest > Math.sqrt(perBatch) ? largest + perBatch / largest : 2 * Math.sqrt(perBatch);
}
