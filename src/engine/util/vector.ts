/**
 * Vectors of floats; sums are taken in float64 whatever the storage. Lengths must agree: the caller's duty.
 */
export type Vector = Float32Array | Float64Array;

/** aᵀb. */
export function dot(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** ‖a‖₂. */
export const norm = (a: Vector): number => Math.sqrt(dot(a, a));

/** y ← y + alpha·x. */
export function axpy(alpha: number, x: Vector, y: Vector): void {
  for (let i = 0; i < y.length; i++) y[i] += alpha * x[i];
}

/** x ← alpha·x. */
export function scale(alpha: number, x: Vector): void {
  for (let i = 0; i < x.length; i++) x[i] *= alpha;
}
