/** Bytes of one float32 scale. */
const SCALE_BYTES = 4;

/** Bytes on disk of a quantized weight: its values packed without gaps, and one float32 scale per channel. */
export const quantizedBytes = (parameters: number, channels: number, bits: number): number =>
  Math.ceil((parameters * bits) / 8) + SCALE_BYTES * channels;
