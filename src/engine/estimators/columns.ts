import { type Vector } from '../util/vector';

/**
 * A tall matrix V that grows by columns, as many as its operator's rows long each. A vector of a model's parameters may take 100 MB: none is
 * copied but where it is said.
 */
export interface Columns {
  readonly count: number;
  /** Whether `push` leaves the array that it was given to its caller; else it may still be read. */
  readonly copies: boolean;
  /** v ← factor·v, v itself by default, and appends it. */
  push(v: Vector, factor?: number): Promise<void>;
  column(k: number): Vector;
  /** Vᵀw, of the columns from one on. */
  products(w: Vector, from?: number): Promise<Float64Array>;
  /** y ← y + Vc, for one coefficient a column; columns whose coefficient is 0 are not read. */
  add(c: ArrayLike<number>, y: Vector): Promise<void>;
  /** w ← (I − VVᵀ)w in one pass, for orthonormal columns. */
  takeOut(w: Vector): Promise<TakenOut>;
}

export interface TakenOut {
  /** Vᵀw of the w that came in. */
  readonly coefficients: Float64Array;
  /** ‖w‖ of what is left. */
  readonly left: number;
}
