import type { LinearOperator } from '../curvature/linearOperator';

/** D A D for a diagonal D: what an optimizer sees whose step along each parameter is D² of the gradient. */
export const preconditioned = (operator: LinearOperator, diagonal: Float64Array): LinearOperator => ({
  size: operator.size,
  async apply(v) {
    const product = await operator.apply(diagonal.map((d, i) => d * v[i]));
    for (let i = 0; i < product.length; i++) product[i] *= diagonal[i];
    return product;
  },
});

/** Adam's ε, which keeps its steps finite. */
const EPSILON = 1e-8;

/** D for Adam: (√v + ε)^−½ with v the mean square of the gradients of batches. */
export const adamScale = (meanSquares: Float64Array): Float64Array =>
  meanSquares.map(v => 1 / Math.sqrt(Math.sqrt(v) + EPSILON));
