import { type Vector } from '../util/vector';

/** A symmetric matrix known only by its products; what the estimators see of a model. */
export interface LinearOperator {
  /** Number of rows, and of columns. */
  readonly size: number;
  /** The product with `v`, of length `size`. The result is the caller's to change; `v` is left alone. */
  apply(v: Vector): Promise<Float64Array>;
}
