import { type Vector } from '../util/vector';

/** A symmetric matrix known only by its products; what the estimators see of a model. */
export interface LinearOperator {
  /** Number of rows, and of columns. */
  readonly size: number;
  /**
   * The product with `v`, of length `size`. The result is the caller's to change; `v` is left alone.
   * @param into taken over, where it is given, to hold the result: fresh memory for 25 million rows costs more than filling it
   */
  apply(v: Vector, into?: Float64Array): Promise<Float64Array>;
}
