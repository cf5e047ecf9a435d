import { type Child, element } from '../shared/element';
import { bitsClass } from '../shared/theme';

/** `4 bit`; a layer without a width, or with 32 bits, stays in float. */
export const bitWord = (bits: number | null): string =>
  bits === null ? 'float' : bits >= 32 ? 'float 32' : `${bits} bit`;

/** A bit width as a coloured chip; the text says it, the colour only repeats it. */
export const bitChip = (bits: number | null, beside?: Child): HTMLElement =>
  element('span', { class: `chip ${bitsClass(bits)}` }, bitWord(bits), beside);
