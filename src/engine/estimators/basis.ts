import { norm, type Vector } from '../util/vector';
import { ColumnList } from './columnList';
import { type Columns, type TakenOut } from './columns';
import { PackedColumns } from './packedColumns';

/**
 * Above this size columns are kept in float32: half the memory, and the operator's own products are float32
 * anyway.
 */
const FLOAT64_LIMIT = 1 << 20;

/** A matrix of `size` rows and no columns yet. */
export const noColumns = (size: number): Columns =>
  size > FLOAT64_LIMIT ? new PackedColumns(size) : new ColumnList();

/** A vector of zeros that is as precise as columns of its size are. */
export const noVector = (size: number): Vector =>
  size > FLOAT64_LIMIT ? new Float32Array(size) : new Float64Array(size);

/** What so many columns take. */
export const columnBytes = (size: number, count: number): number =>
  size * count * (size > FLOAT64_LIMIT ? 4 : 8);

/** A column of which so little lies outside the others is in their span. */
export const IN_SPAN = 1e-12;

/**
 * w ← (I − VVᵀ)w for orthonormal columns V. Where much was taken away digits were lost, so it is done again, and twice is enough (Parlett,
 * "The Symmetric Eigenvalue Problem", §6.9).
 */
export async function orthogonalise(w: Vector, basis: Columns): Promise<TakenOut> {
  const first = await basis.takeOut(w);
  // By Pythagoras, where less than 1/√2 of the length is left.
  if (first.left >= norm(first.coefficients)) return first;
  const second = await basis.takeOut(w);
  return { coefficients: first.coefficients.map((c, k) => c + second.coefficients[k]), left: second.left };
}
