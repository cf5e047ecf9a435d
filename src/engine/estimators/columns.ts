import { type Vector } from '../util/vector';

/**
 * A tall matrix V that grows by columns, as many as its operator's rows long each. A vector of a model's parameters may take 100 MB: none is
 * copied but where it is said.
 */
export interface Columns {
  readonly count: number;
  /** Whether `push` leaves the array that it was given to its caller. */
  readonly copies: boolean;
  /** Appends v, which is taken over unless it is copied; returns it as it is kept, good until the next push. */
  push(v: Float64Array): Vector;
  column(k: number): Vector;
  /** y ← y + alpha·v_k. */
  axpy(k: number, alpha: number, y: Float64Array): void;
  /** Vᵀw. */
  products(w: Vector): Promise<Float64Array>;
  /** Vc, for one coefficient a column. */
  combine(c: readonly number[]): Promise<Float64Array>;
  /** w ← (I − VVᵀ)w in one pass, for orthonormal columns. */
  takeOut(w: Float64Array): Promise<TakenOut>;
}

export interface TakenOut {
  /** Vᵀw of the w that came in. */
  readonly coefficients: Float64Array;
  /** ‖w‖ of what is left. */
  readonly left: number;
}
