/** What is known of a batch's Hessian as the whole one with noise added. */
export interface BatchNoise {
  /** λmax over all samples. */
  readonly largest: number;
  /** The eigenvalue behind it; absent for a single row. */
  readonly next?: number;
  /** nσ²: b ‖(H_B − H)u‖² in the mean over batches, for the top eigenvector u and without the part along it. */
  readonly variance: number;
  /** The part along it: b (uᵀ(H_B − H)u)² in the mean over batches. */
  readonly along: number;
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
 * first is what second-order perturbation gives where the other eigenvalues are small beside λ; `formulaHolds` tells how far it reaches.
 */
export function largestOfBatch(
  { largest, variance, samples }: Omit<BatchNoise, 'next' | 'along'>,
  batchSize: number,
): number {
  if (batchSize >= samples) return largest;
  const perBatch = variance / effectiveBatchSize(batchSize, samples);
  return largest > Math.sqrt(perBatch) ? largest + perBatch / largest : 2 * Math.sqrt(perBatch);
}

/**
 * Whether the formula may hold at a batch size: where the noise, ‖(H_B − H)u‖ in root mean square, is below half of the gap under λ.
 *
 * From there on the perturbation series of λ need not converge, as another eigenvalue may take its place (Kato, Perturbation Theory for Linear
 * Operators, II §3). On networks the formula then gives numbers that can't be: a batch of one sample has a matrix of low rank and not the noise of a
 * random one, and the mean of λmax over batches is at most the trace where no eigenvalue is negative (for the GGN of the digits MLP
 * 13.7, where the formula gives 30). The noise along u is no larger than its norm: what is outside of this range surely is.
 */
export function formulaHolds(
  { largest, next = 0, variance, along, samples }: BatchNoise,
  batchSize: number,
): boolean {
  const noise = Math.sqrt((variance + along) / effectiveBatchSize(batchSize, samples));
  return noise < (largest - next) / 2;
}
