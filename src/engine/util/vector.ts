/**
 * Vectors of floats; sums are taken in float64 whatever the storage. Lengths must agree: the caller's duty.
 */
export type Vector = Float32Array | Float64Array;

/** Above this length sums go in four parts, whose additions needn't wait for each other. */
const LONG = 1 << 20;

/** aᵀb. */
export function dot(a: Vector, b: Vector): number {
  if (a.length > LONG) return longDot(a, b);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function longDot(a: Vector, b: Vector): number {
  let [p, q, r, s] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 4 <= a.length; i += 4) {
    p += a[i] * b[i];
    q += a[i + 1] * b[i + 1];
    r += a[i + 2] * b[i + 2];
    s += a[i + 3] * b[i + 3];
  }
  for (; i < a.length; i++) p += a[i] * b[i];
  return p + q + (r + s);
}

/** ‖a‖₂. */
export const norm = (a: Vector): number => Math.sqrt(a.length > LONG ? longSquares(a) : dot(a, a));

/** As `longDot`; a loop over one kind of array is twice as fast as one that meets several. */
function longSquares(a: Vector): number {
  let [p, q, r, s] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 4 <= a.length; i += 4) {
    p += a[i] ** 2;
    q += a[i + 1] ** 2;
    r += a[i + 2] ** 2;
    s += a[i + 3] ** 2;
  }
  for (; i < a.length; i++) p += a[i] ** 2;
  return p + q + (r + s);
}

/** y ← y + alpha·x. */
export function axpy(alpha: number, x: Vector, y: Vector): void {
  for (let i = 0; i < y.length; i++) y[i] += alpha * x[i];
}

/** y ← alpha·x. */
export function assign(alpha: number, x: Vector, y: Vector): void {
  if (alpha === 1) y.set(x);
  else for (let i = 0; i < y.length; i++) y[i] = alpha * x[i];
}

/** x ← alpha·x. */
export function scale(alpha: number, x: Vector): void {
  for (let i = 0; i < x.length; i++) x[i] *= alpha;
}
