import { element } from '../shared/element';

/** `A` or `B` with the colour of its bars, which only repeats the letter. */
export const sideMark = (side: 'a' | 'b'): HTMLElement =>
  element('span', { class: `side side-${side}` }, side.toUpperCase());
