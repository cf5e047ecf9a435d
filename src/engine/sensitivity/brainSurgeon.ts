import { type InverseFisher } from '../estimators/inverseFisher';
import { invariant } from '../errors';
import { type Vector } from '../util/vector';

/**
 * What the loss rises by when each weight alone is removed and the others make up for it: w²/(2 [F⁻¹]_ii).
 *
 * Hassibi & Stork, "Optimal Brain Surgeon", NIPS 1992, with the empirical Fisher matrix in place of the Hessian.
 * @param inverseDiagonal of the inverse, positive
 */
export const saliency = (weights: Vector, inverseDiagonal: Vector): Float64Array =>
  Float64Array.from(weights, (w, i) => (w * w) / (2 * inverseDiagonal[i]));

/** The part of a model's saliency that belongs to a layer, or any run of its weights. */
export interface SaliencyPart {
  /** Σ w²/(2 [F⁻¹]_ii). */
  readonly total: number;
  /** The mean over the part's weights: what layers are compared by. */
  readonly mean: number;
}

/** Saliency by runs of weights, given as their lengths in order. */
export function saliencyByLayer(saliencies: Float64Array, sizes: readonly number[]): SaliencyPart[] {
  const whole = sizes.reduce((sum, size) => sum + size, 0);
  invariant(whole === saliencies.length, `layers of ${whole} weights for ${saliencies.length} saliencies`);
  let start = 0;
  return sizes.map(size => {
    const total = saliencies.subarray(start, (start += size)).reduce((sum, x) => sum + x, 0);
    return { total, mean: total / size };
  });
}

/**
 * The step that the free weights should take once others have moved by a given error (rounding, or removal, whose error is −w): the
 * minimum of ½ δᵀFδ over the free part of δ. δ_free = −(F_ff)⁻¹ F_fe e, and between weights F has no damping. For one weight it is
 * Optimal Brain Surgeon's step, e/[F⁻¹]_qq · F⁻¹e_q.
 * @param error of each weight
 * @param isFree 1 where a weight may move; its error must be 0
 * @returns the whole step: the error where weights are given, the correction where they are free
 */
export function corrected(fisher: InverseFisher, error: Vector, isFree: Uint8Array): Float64Array {
  const free = Array.from(isFree.keys()).filter(i => isFree[i] === 1);
  invariant(
    free.every(i => error[i] === 0),
    'a free weight has an error',
  );
  const pull = fisher.undamped(error);
  const answer = fisher.ofBlock(free).apply(Float64Array.from(free, i => pull[i]));
  const step = Float64Array.from(error);
  free.forEach((i, k) => (step[i] = -answer[k]));
  return step;
}
