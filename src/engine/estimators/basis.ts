import { norm } from '../util/vector';
import { ColumnList } from './columnList';
import { type Columns } from './columns';
import { PackedColumns } from './packedColumns';

/**
 * Above this size columns are kept in float32: half the memory, and the operator's own products are float32
 * anyway.
 */
const FLOAT64_LIMIT = 1 << 20;

/** A matrix of `size` rows and no columns yet. */
export const noColumns = (size: number): Columns =>
  size > FLOAT64_LIMIT ? new PackedColumns(size) : new ColumnList(size);

/** What so many columns take. */
export const columnBytes = (size: number, count: number): number =>
  size * count * (size > FLOAT64_LIMIT ? 4 : 8);

/** A column of which so little lies outside the others is in their span. */
export const IN_SPAN = 1e-12;

/**
 * w ← (I − VVᵀ)w for orthonormal columns V. Where much was taken away digits were lost, so it is done again, and twice is enough (Parlett,
 * "The Symmetric Eigenvalue Problem", §6.9).
 * @returns Vᵀw of the w that came in, and ‖w‖ of what is left
 */
export async function orthogonalise(
  w: Float64Array,
  basis: Columns,
): Promise<{ readonly coefficients: Float64Array; readonly left: number }> {
  if (basis.count === 0) return { coefficients: new Float64Array(0), left: norm(w) };
  const coefficients = await basis.takeOut(w);
  let left = norm(w);
  // By Pythagoras, where less than 1/√2 of its length is left.
  if (left < norm(coefficients)) {
    (await basis.takeOut(w)).forEach((c, k) => (coefficients[k] += c));
    left = norm(w);
  }
  return { coefficients, left };
}
