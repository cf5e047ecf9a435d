/** What is known of a batch's Hessian as the whole one with noise added. */
export interface BatchNoise {
  /** λmax over all samples. */
  readonly largest: number;
  /** nσ²: b ‖(H_B − H)v‖²/‖v‖² in the mean over batches, for random v. */
  readonly variance: number;
  readonly samples: number;
}

/** 1/b = 1/B − 1/N, for batches without repetition; infinite for all samples. */
export const effectiveBatchSize = (batchSize: number, samples: number): number =>
  1 / (1 / batchSize - 1 / samples);

/**
 * λmax of the Hessian of a batch, where the noise of its entries is independent and equal: λ + nσ²/(bλ) above the edge of the noise, else the edge
 * itself, 2√(nσ²/b) (Granziol, Zohren & Roberts, JMLR 23, 2022, arXiv 2006.09092; Benaych-Georges & Nadakuditi 2011). The noise of
 * networks has few directions, so that batches measured lie above it.
 */
export function largestOfBatch({ largest, variance, samples }: BatchNoise, batchSize: number): number {
  if (batchSize >= samples) return largest;
  const perBatch = variance / effectiveBatchSize(batchSize, samples);
  return largest > Math.sqrt(perBatch) ? largest + perBatch / largest : 2 * Math.sqrt(perBatch);
}
