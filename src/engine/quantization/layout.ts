import { CurvatureError } from '../errors';
import { numElements } from '../onnx/tensor';
import type { Granularity } from './quantizer';

/**
 * Where the groups of values that share a scale lie. A row-major tensor is [outer, extent, inner] around the axis of its
 * granularity; a whole tensor is one channel of all values.
 */
export interface Layout {
  readonly outer: number;
  readonly extent: number;
  readonly inner: number;
  /** Neighbours along the axis in one block; null where an index of the axis is one group. */
  readonly block: number | null;
  readonly groups: number;
  /** As `QuantizedTensor.scaleShape`. */
  readonly scaleShape: readonly number[];
}

/** @throws CurvatureError `option-invalid` for an axis that the shape doesn't have, or a block of no size. */
export function layoutOf(shape: readonly number[], granularity: Granularity): Layout {
  if (granularity.kind === 'tensor')
    return { outer: 1, extent: 1, inner: numElements(shape), block: null, groups: 1, scaleShape: [] };
  const { axis } = granularity;
  const extent = shape[axis];
  if (extent === undefined) {
    throw new CurvatureError(
      'option-invalid',
      `Scales along axis ${axis} were asked for, but the tensor's shape is [${shape.join(', ')}].`,
      `Give an axis from 0 to ${shape.length - 1}.`,
    );
  }
  const outer = numElements(shape.slice(0, axis));
  const inner = numElements(shape.slice(axis + 1));
  if (granularity.kind === 'channel')
    return { outer, extent, inner, block: null, groups: extent, scaleShape: [extent] };
  const block = granularity.size;
  if (!Number.isInteger(block) || block < 1) {
    throw new CurvatureError(
      'option-invalid',
      `Blocks of ${block} values were asked for; the size must be a whole number from 1 on.`,
    );
  }
  const scaleShape = shape.map((n, i) => (i === axis ? Math.ceil(n / block) : n));
  return { outer, extent, inner, block, groups: numElements(scaleShape), scaleShape };
}

/**
 * Runs over the memory in order, in stretches: element `start + i` belongs to group `group + i · step`, where `step` is
 * 0 or 1.
 */
export function forEachStretch(
  { outer, extent, inner, block }: Layout,
  visit: (start: number, end: number, group: number, step: number) => void,
): void {
  const blocks = block === null ? 1 : Math.ceil(extent / block);
  for (let o = 0; o < outer; o++) {
    const row = o * extent * inner;
    if (block === null && inner === 1) visit(row, row + extent, 0, 1);
    else if (block === null) {
      for (let a = 0; a < extent; a++) visit(row + a * inner, row + (a + 1) * inner, a, 0);
    } else if (inner === 1) {
      for (let b = 0; b < blocks; b++)
        visit(row + b * block, row + Math.min((b + 1) * block, extent), o * blocks + b, 0);
    } else {
      for (let a = 0; a < extent; a++)
        visit(row + a * inner, row + (a + 1) * inner, (o * blocks + Math.floor(a / block)) * inner, 1);
    }
  }
}

/** The values of one group, into the front of `into`, which has room for them. */
export function gather(
  { outer, extent, inner, block }: Layout,
  data: Float32Array,
  group: number,
  into: Float32Array,
): Float32Array {
  let n = 0;
  if (block === null) {
    for (let o = 0; o < outer; o++) {
      const start = (o * extent + group) * inner;
      for (let i = start; i < start + inner; i++) into[n++] = data[i];
    }
  } else {
    const blocks = Math.ceil(extent / block);
    const row = Math.floor(group / inner);
    const first = (row % blocks) * block;
    const start = (Math.floor(row / blocks) * extent + first) * inner + (group % inner);
    const size = Math.min(block, extent - first);
    for (; n < size; n++) into[n] = data[start + n * inner];
  }
  return into.subarray(0, n);
}

/** The number of values in the largest group. */
export const largestGroup = ({ outer, extent, inner, block }: Layout): number =>
  block === null ? outer * inner : Math.min(block, extent);
