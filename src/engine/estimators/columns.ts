import { type Vector } from '../util/vector';

/**
 * A tall matrix V that grows by columns, as many as its operator's rows long each. A vector of a model's parameters may take 100 MB: none is
 * copied but where it is said.
 */
export interface Columns {
  readonly count: number;
  /** Whether `push` leaves the array that it was given to its caller. */
  readonly copies: boolean;
  /** Appends factor·v, v itself by default; v is taken over unless it is copied. Returns the column as it is kept, good until the next push. */
  push(v: Float64Array, factor?: number): Vector;
  column(k: number): Vector;
  /** Vᵀw. */
  products(w: Vector): Promise<Float64Array>;
  /** y ← y + Vc, for one coefficient a column; columns whose coefficient is 0 are not read. */
  add(c: ArrayLike<number>, y: Float64Array): void;
  /** w ← (I − VVᵀ)w in one pass, for orthonormal columns. */
  takeOut(w: Float64Array): Promise<TakenOut>;
}

export interface TakenOut {
  /** Vᵀw of the w that came in. */
  readonly coefficients: Float64Array;
  /** ‖w‖ of what is left. */
  readonly left: number;
}
