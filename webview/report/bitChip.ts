import { element } from '../shared/element';
import { bitsClass } from '../shared/theme';

/** A bit width as a coloured chip; the text says it, the colour only repeats it. */
export const bitChip = (bits: number | null): HTMLElement =>
  element('span', { class: `chip ${bitsClass(bits)}` }, bits === null ? 'float' : `${bits} bit`);
