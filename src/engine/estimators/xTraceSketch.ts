import { inverse, Matrix, QrDecomposition } from 'ml-matrix';

/** What XTrace keeps of its vectors: AΩ = QR, B = QᵀAQ, W = QᵀΩ, for k test vectors Ω. */
export interface Sketch {
  /** Rows of the operator. */
  readonly size: number;
  /** Columns of the upper triangle of R. */
  readonly r: Float64Array[];
  /** Columns of the upper triangle of B. */
  readonly b: Float64Array[];
  /** Rows of W. */
  readonly w: number[][];
}

/** The same as matrices. */
interface Small {
  readonly size: number;
  readonly r: Matrix;
  readonly b: Matrix;
  readonly w: Matrix;
}

function matricesOf({ size, r, b, w }: Sketch): Small {
  const k = r.length;
  const upper = (columns: readonly Float64Array[], mirrored: boolean): Matrix => {
    const matrix = Matrix.zeros(k, k);
    columns.forEach((column, j) =>
      column.forEach((x, i) => {
        matrix.set(i, j, x);
        if (mirrored) matrix.set(j, i, x);
      }),
    );
    return matrix;
  };
  return { size, r: upper(r, false), b: upper(b, true), w: new Matrix(w) };
}

/** The estimates t_i: each with ω_i left out of the range and used on the residual. */
export const leaveOneOut = (sketch: Sketch): number[] => estimates(matricesOf(sketch));

/**
 * The mean of the t_i and its standard error.
 *
 * The t_i are correlated, since each ω_j is part of the range that t_i rests on: sd/√k alone is too small by a factor of up to √2 or so.
 * Var t = s²/k + c with s² the sample variance and c = Cov(t_i, t_j). Let t_i⁻ʲ leave ω_j out as well, and a_ij = t_i − t_i⁻ʲ. Given
 * all other vectors, t_i and t_i⁻ʲ both have the trace as their mean over ω_i, and t_i⁻ʲ does not depend on ω_j; so in
 * E[(a_ij + t_i⁻ʲ − tr)(a_ji + t_j⁻ⁱ − tr)] only the first product remains, and c = E[a_ij a_ji]: the mean over all pairs is an unbiased
 * estimate of it. Below zero it counts as zero.
 */
export function sketchTrace(sketch: Sketch): { estimate: number; stderr: number } {
  const small = matricesOf(sketch);
  const k = small.r.columns;
  const all = estimates(small);
  const { mean, variance } = moments(all);
  /** t_i⁻ʲ by j, then i. */
  const without = all.map((_, j) => {
    const others = estimates(leaveOut(small, j));
    return all.map((_, i) => (i === j ? NaN : others[i < j ? i : i - 1]));
  });
  let products = 0;
  for (let j = 0; j < k; j++)
    for (let i = 0; i < j; i++) products += (all[i] - without[j][i]) * (all[j] - without[i][j]);
  const covariance = products / ((k * (k - 1)) / 2);
  return { estimate: mean, stderr: Math.sqrt(variance / k + Math.max(0, covariance)) };
}

/** Epperly, Tropp & Webber's formulas for the t_i, with (AQ)ᵀΩ = R as A is symmetric. Test vectors have the length √n. */
function estimates({ size, r, b, w }: Small): number[] {
  const k = r.columns;
  const inverted = inverse(r);
  const trace = b.trace();
  return Array.from({ length: k }, (_, i) => {
    // The direction that only ω_i brought into the range.
    const row = inverted.getRowVector(i);
    const s = row.div(row.norm()).transpose();
    const wi = w.getColumnVector(i);
    const ri = r.getColumnVector(i);
    const bs = b.mmul(s);
    const sbs = s.dot(bs);
    const sw = s.dot(wi);
    const bw = b.mmul(wi);
    // The test vector's part outside the range has its length by chance; the residual is scaled to what it should be.
    const outside = (size - k + 1) / (size - wi.dot(wi) + sw * sw);
    const residual = wi.dot(bw) - ri.dot(wi) + 2 * sw * (s.dot(ri) - s.dot(bw)) + sw * sw * sbs;
    return trace - sbs + outside * residual;
  });
}

/** The sketch as if ω_j had never been drawn. */
function leaveOut({ size, r, b, w }: Small, j: number): Small {
  const rest = Array.from({ length: r.columns }, (_, i) => i).filter(i => i !== j);
  const rows = Array.from({ length: r.rows }, (_, i) => i);
  const qr = new QrDecomposition(r.subMatrixColumn(rest));
  const turn = qr.orthogonalMatrix;
  return {
    size,
    r: qr.upperTriangularMatrix,
    b: turn.transpose().mmul(b).mmul(turn),
    w: turn.transpose().mmul(w.selection(rows, rest)),
  };
}

function moments(values: readonly number[]): { mean: number; variance: number } {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const squares = values.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return { mean, variance: squares / (values.length - 1) };
}
