import { numElements } from '../onnx/tensor';
import { layoutOf } from './layout';
import type { Quantizer } from './quantizer';

/** Bytes of one float32 scale. */
const SCALE_BYTES = 4;

/**
 * Bytes on disk of a quantized tensor: its values packed without gaps, a float32 scale per group, and where it is not
 * symmetric a zero point per group, of the values' width and packed as they are.
 */
export function quantizedBytes(
  shape: readonly number[],
  { bits, symmetric, granularity }: Omit<Quantizer, 'range'>,
): number {
  const packed = (count: number): number => Math.ceil((count * bits) / 8);
  const { groups } = layoutOf(shape, granularity);
  return packed(numElements(shape)) + SCALE_BYTES * groups + (symmetric ? 0 : packed(groups));
}
