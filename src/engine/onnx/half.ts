/** The value of an IEEE 754 binary16: 1 sign bit, 5 exponent bits, 10 fraction bits. */
function valueOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

let table: Float32Array | undefined;

/** Half precision numbers, given as their bits, in single precision; all of them can be had exactly. */
export function halvesToFloats(bits: Uint16Array): Float32Array {
  table ??= Float32Array.from({ length: 1 << 16 }, (_, i) => valueOf(i));
  const floats = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) floats[i] = table[bits[i]];
  return floats;
}

/** A bfloat16 is the upper half of a float32. */
export function bfloat16ToFloats(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i] << 16;
  return new Float32Array(words.buffer);
}

/** Single precision numbers to the nearest halves, ties to even, as their bits. */
export function floatsToHalves(floats: Float32Array): Uint16Array {
  const words = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  return Uint16Array.from(floats, (x, i) => {
    const sign = (words[i] >>> 16) & 0x8000;
    if (!Number.isFinite(x)) return sign | (Number.isNaN(x) ? 0x7e00 : 0x7c00);
    // Halves below 2^-14 are multiples of 2^-24; above, each power of two has 1024 steps.
    const exponent = Math.max(-14, ((words[i] >>> 23) & 0xff) - 127);
    const steps = roundHalfToEven(Math.abs(x) * 2 ** (10 - exponent));
    return sign | Math.min(1024 * (exponent + 14) + steps, 0x7c00);
  });
}

/** The sum leaves a float64 no room for a fraction. */
const roundHalfToEven = (x: number): number => x + 1.5 * 2 ** 52 - 1.5 * 2 ** 52;
