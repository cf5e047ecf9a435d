import { type Vector } from '../util/vector';

/** A symmetric matrix known only by its products; what the estimators see of a model. */
export interface LinearOperator {
  /** Number of rows, and of columns. */
  readonly size: number;
  /**
   * The product with `v`, of length `size`. The result is the caller's to change; `v` is left alone.
   * @param into may be taken to hold the result, since fresh memory for 25 million rows costs more than filling it; batches are summed in
   * its precision then, else in float64
   */
  apply(v: Vector, into?: Vector): Promise<Vector>;
}
