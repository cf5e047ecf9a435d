import { element } from '../shared/element';

/** A mark of a picture, in CSS, with what it stands for. */
export const legendEntry = (mark: string, text: string): HTMLElement =>
  element(
    'span',
    { class: 'legend-entry' },
    element('span', { class: `mark ${mark}`, 'aria-hidden': 'true' }),
    text,
  );
