import type { ElemType } from './tensor';

/** Smallest and largest value of each type that a quantized value can have, and its width. */
export const integerRange: Readonly<
  Partial<Record<ElemType, { readonly least: number; readonly most: number; readonly bits: number }>>
> = {
  int2: { least: -2, most: 1, bits: 2 },
  uint2: { least: 0, most: 3, bits: 2 },
  int4: { least: -8, most: 7, bits: 4 },
  uint4: { least: 0, most: 15, bits: 4 },
  int8: { least: -128, most: 127, bits: 8 },
  uint8: { least: 0, most: 255, bits: 8 },
  int16: { least: -32768, most: 32767, bits: 16 },
  uint16: { least: 0, most: 65535, bits: 16 },
  int32: { least: -(2 ** 31), most: 2 ** 31 - 1, bits: 32 },
};
