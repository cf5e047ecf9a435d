import { type Child, element } from './element';

/** A named table in a box of its own, which scrolls, also by keyboard, where the page is narrower than the table. */
export function plainTable(
  name: string,
  ...parts: readonly Child[]
): { readonly root: HTMLElement; readonly table: HTMLTableElement } {
  const table = element('table', { class: 'plain', 'aria-label': name }, ...parts);
  const box = { class: 'scrolling', tabindex: '0', role: 'group', 'aria-label': `${name}, scrollable` };
  return { root: element('div', box, table), table };
}
