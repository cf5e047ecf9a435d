import { axpy, dot, norm, type Vector } from '../util/vector';

/**
 * Tall matrices as lists of columns: a vector of a model's parameters may take 100 MB, so none is copied into a matrix.
 */
export type Columns = readonly Vector[];

/**
 * Above this size columns are kept in float32: half the memory, and the operator's own products are float32
 * anyway.
 */
const FLOAT64_BASIS_LIMIT = 1 << 20;

/** What so many columns take. */
export const columnBytes = (size: number, count: number): number =>
  size * count * (size > FLOAT64_BASIS_LIMIT ? 4 : 8);

/** A column as it is kept. */
export const kept = (v: Float64Array): Vector => (v.length > FLOAT64_BASIS_LIMIT ? Float32Array.from(v) : v);

/** A column of which so little lies outside the others is in their span. */
export const IN_SPAN = 1e-12;

/** A vector that a pass leaves shorter than this share of itself has lost digits, and takes another. */
const ENOUGH_LEFT = Math.SQRT1_2;
/** Columns that one pass over memory takes together. */
const GROUP = 4;

/**
 * w ← (I − VVᵀ)w for orthonormal columns V. Where much was taken away it is done again, and twice is enough (Parlett,
 * "The Symmetric Eigenvalue Problem", §6.9).
 * @returns Vᵀw of the w that came in
 */
export function orthogonalise(w: Float64Array, basis: Columns): Float64Array {
  const coefficients = new Float64Array(basis.length);
  const pass = (): void => {
    let start = 0;
    // Four columns at a time read and write w a quarter as often; time goes into memory here.
    for (; start + GROUP <= basis.length; start += GROUP) {
      const along = takeOut(basis[start], basis[start + 1], basis[start + 2], basis[start + 3], w);
      along.forEach((c, i) => (coefficients[start + i] += c));
    }
    for (; start < basis.length; start++) {
      const along = dot(basis[start], w);
      axpy(-along, basis[start], w);
      coefficients[start] += along;
    }
  };
  const before = norm(w);
  pass();
  if (norm(w) < ENOUGH_LEFT * before) pass();
  return coefficients;
}

/** w ← w − Σ v (vᵀw) over four columns; returns the four vᵀw. */
function takeOut(a: Vector, b: Vector, c: Vector, d: Vector, w: Float64Array): readonly number[] {
  let [p, q, r, s] = [0, 0, 0, 0];
  for (let i = 0; i < w.length; i++) {
    const x = w[i];
    p += a[i] * x;
    q += b[i] * x;
    r += c[i] * x;
    s += d[i] * x;
  }
  for (let i = 0; i < w.length; i++) w[i] -= p * a[i] + q * b[i] + r * c[i] + s * d[i];
  return [p, q, r, s];
}
