import { CurvatureError } from '../errors';
import { axpy, dot, type Vector } from '../util/vector';

/** What an inverse is made of. */
export interface FisherOptions {
  /** λ > 0, as in Levenberg–Marquardt: a small one trusts the gradients, a large one stays near the identity. */
  readonly damping: number;
  /** What the mean over the gradients is divided by; their number by default. */
  readonly count?: number;
}

/**
 * (λI + (1/m) Σ g gᵀ)⁻¹ for m gradients of single samples: the inverse of the damped empirical Fisher matrix.
 *
 * M-FAC (Frantar, Kurtic & Alistarh, NeurIPS 2021, arXiv 2107.03356) unrolls the Sherman–Morrison formula over the gradients; its
 * coefficients are a triangular factor of the m × m Gram matrix. Here they are Cholesky's: with K = mλI + GGᵀ = LLᵀ, Woodbury's formula gives
 * F⁻¹x = (x − GᵀK⁻¹Gx)/λ. The gradients are kept as they come, so memory is md + m² numbers; once O(m²d + m³), then O(md) per product.
 */
export class InverseFisher {
  /** Rows of L. */
  private readonly factor: readonly Float64Array[];
  private readonly damping: number;
  private readonly count: number;

  /**
   * @param gradients of the same length; they are kept and not copied
   * @throws CurvatureError `option-invalid` for damping that isn't positive or is lost in rounding, `not-finite` for gradients that aren't finite
   */
  constructor(
    private readonly gradients: readonly Vector[],
    { damping, count = gradients.length }: FisherOptions,
  ) {
    if (!(damping > 0 && damping < Infinity)) {
      throw new CurvatureError(
        'option-invalid',
        `The damping is ${damping}; a number above 0 is expected.`,
        'Without damping the Fisher matrix of a few gradients has no inverse.',
      );
    }
    this.damping = damping;
    this.count = count;
    this.factor = cholesky(gradients, count * damping);
  }

  /** F⁻¹x. */
  apply(x: Vector): Float64Array {
    const coefficients = this.solve(this.gradients.map(g => dot(g, x)));
    const result = Float64Array.from(x);
    this.gradients.forEach((g, k) => axpy(-coefficients[k], g, result));
    for (let i = 0; i < result.length; i++) result[i] /= this.damping;
    return result;
  }

  /** The diagonal of F⁻¹: (1 − ‖L⁻¹G_i‖²)/λ for each column G_i; O(m²d). */
  diagonal(): Float64Array {
    const [first] = this.gradients;
    const result = new Float64Array(first?.length ?? 0);
    const column = new Float64Array(this.gradients.length);
    for (let i = 0; i < result.length; i++) {
      for (let k = 0; k < column.length; k++) column[k] = this.gradients[k][i];
      forward(this.factor, column);
      result[i] = (1 - dot(column, column)) / this.damping;
    }
    return result;
  }

  /** The same for some of the parameters alone: the inverse of that block of F, which is not the block of the inverse. */
  ofBlock(indices: ArrayLike<number>): InverseFisher {
    const parts = this.gradients.map(g => Float64Array.from(indices, i => g[i]));
    return new InverseFisher(parts, { damping: this.damping, count: this.count });
  }

  /** (F − λI)x = (1/m) Σ g (gᵀx). */
  undamped(x: Vector): Float64Array {
    const result = new Float64Array(x.length);
    for (const g of this.gradients) axpy(dot(g, x) / this.count, g, result);
    return result;
  }

  /** K⁻¹b. */
  private solve(b: readonly number[]): Float64Array {
    const y = Float64Array.from(b);
    forward(this.factor, y);
    for (let k = y.length - 1; k >= 0; k--) {
      y[k] /= this.factor[k][k];
      for (let j = 0; j < k; j++) y[j] -= this.factor[k][j] * y[k];
    }
    return y;
  }
}

/** y ← L⁻¹y. */
function forward(factor: readonly Float64Array[], y: Float64Array): void {
  for (let k = 0; k < y.length; k++) {
    const row = factor[k];
    let left = y[k];
    for (let j = 0; j < k; j++) left -= row[j] * y[j];
    y[k] = left / row[k];
  }
}

/** Rows of the Cholesky factor of the Gram matrix with a shifted diagonal. */
function cholesky(gradients: readonly Vector[], shift: number): Float64Array[] {
  const rows: Float64Array[] = [];
  gradients.forEach((g, k) => {
    const row = Float64Array.from({ length: k + 1 }, (_, j) => dot(g, gradients[j]));
    if (!row.every(Number.isFinite)) {
      throw new CurvatureError(
        'not-finite',
        `Gradient ${k} is not finite, or so large that its square is not.`,
        'Look for samples out of the range the model was trained on.',
      );
    }
    if (shift < Number.EPSILON * row[k]) {
      throw new CurvatureError(
        'option-invalid',
        `The damping is lost in the rounding of gradients of squared length ${row[k].toPrecision(2)}.`,
        'Take a larger one, such as 0.01 of the mean of the diagonal.',
      );
    }
    row[k] += shift;
    for (let j = 0; j <= k; j++) {
      for (let i = 0; i < j; i++) row[j] -= row[i] * (j < k ? rows[j][i] : row[i]);
      if (j < k) row[j] /= rows[j][j];
    }
    // The exact remainder is at least the shift; rounding may take it lower.
    row[k] = Math.sqrt(Math.max(row[k], shift));
    rows.push(row);
  });
  return rows;
}
