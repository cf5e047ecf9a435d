import { type InverseFisher } from '../estimators/inverseFisher';
import { invariant } from '../errors';
import { dot, type Vector } from '../util/vector';

/**
 * What the loss rises by when each weight alone is removed and the others make up for it: w²/(2 [F⁻¹]_ii).
 *
 * Hassibi & Stork, "Optimal Brain Surgeon", NIPS 1992, with the empirical Fisher matrix in place of the Hessian.
 * @param inverseDiagonal of the inverse, positive
 */
export const saliency = (weights: Vector, inverseDiagonal: Vector): Float64Array =>
  Float64Array.from(weights, (w, i) => (w * w) / (2 * inverseDiagonal[i]));

/** Indices from the least salient to the most. */
export const byRising = (saliencies: Float64Array): Uint32Array =>
  Uint32Array.from(saliencies.keys()).sort((a, b) => saliencies[a] - saliencies[b]);

/**
 * ½ δᵀFδ, without damping: what the correction makes small. It foretells little of the loss, as m gradients see m directions of many: a corrected step is
 * chosen to lie outside of them, so that the form all but vanishes, on the digits MLP to a thousandth of what the loss rises by.
 */
export const fisherForm = (fisher: InverseFisher, step: Vector): number =>
  dot(step, fisher.undamped(step)) / 2;

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

/** Parts that weights are rounded in, one after the other. */
const ROUNDS = 8;

/**
 * The error of rounding all weights, where those that are still to be rounded make up for the error of those before them.
 *
 * Optimal Brain Surgeon's correction as in M-FAC and Optimal Brain Quantization (Frantar & Alistarh, NeurIPS 2022), an eighth of the weights at a
 * time, every eighth one, so that each output's weights lie in all parts.
 * @param round values on the quantizer's levels
 * @returns Q − w on these levels
 */
export function correctedRounding(
  fisher: InverseFisher,
  weights: Vector,
  round: (values: Float64Array) => Vector,
): Float64Array {
  const error = new Float64Array(weights.length);
  const isFree = new Uint8Array(weights.length).fill(1);
  for (let part = 0; part < ROUNDS; part++) {
    const step = part === 0 ? error : corrected(fisher, error, isFree);
    const rounded = round(Float64Array.from(weights, (w, i) => w + step[i]));
    for (let i = part; i < weights.length; i += ROUNDS) {
      error[i] = rounded[i] - weights[i];
      isFree[i] = 0;
    }
  }
  return error;
}
