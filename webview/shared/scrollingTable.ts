import { type Child, element } from './element';

export interface ScrollingTable {
  readonly root: HTMLElement;
  readonly table: HTMLTableElement;
}

/** A named table in a box of its own, which scrolls, also by keyboard, where there is less room than the table needs. */
function scrolling(className: string, name: string, parts: readonly Child[]): ScrollingTable {
  const table = element('table', { class: className, 'aria-label': name }, ...parts);
  const box = { class: `scrolling-${className}`, tabindex: '0', role: 'group' };
  return { root: element('div', { ...box, 'aria-label': `${name}, scrollable` }, table), table };
}

/** As wide as its columns need. */
export const plainTable = (name: string, ...parts: readonly Child[]): ScrollingTable =>
  scrolling('plain', name, parts);

/** From edge to edge of its panel, at whose bottom it stands; long ones scroll under their head. */
export const fullTable = (name: string, ...parts: readonly Child[]): ScrollingTable =>
  scrolling('full', name, parts);
