import { textWidth } from './chart';
import { element } from './element';
import { shorten, withoutCommonScopes } from './format';
import type { Theme } from './theme';

const AXIS_HEIGHT = 28;
const MOST_IN_VIEW = 18;

export interface ChartRows {
  readonly root: HTMLElement;
  /** Makes room for so many rows of so many pixels. */
  resize(rows: number, rowHeight: number): void;
  /** The rows in view: the first, and the one after the last. */
  readonly view: readonly [first: number, end: number];
}

/** A chart with a row to each layer. The canvas holds only the rows in view, so that any number of layers can be scrolled. */
export function chartRows(
  canvas: HTMLCanvasElement,
  label: string,
  onScroll: (scrollTop: number) => void,
): ChartRows {
  const pane = element('div', { class: 'chart-pane' }, canvas);
  const spacer = element('div', { class: 'chart-spacer' }, pane);
  const root = element(
    'div',
    { class: 'chart-scroll', tabindex: '0', role: 'group', 'aria-label': label },
    spacer,
  );
  root.addEventListener('scroll', () => onScroll(root.scrollTop));
  let all = 0;
  let height = 1;
  return {
    root,
    resize(rows, rowHeight) {
      [all, height] = [rows, rowHeight];
      spacer.style.height = `${rows * rowHeight + AXIS_HEIGHT}px`;
      pane.style.height = root.style.height = `${Math.min(rows, MOST_IN_VIEW) * rowHeight + AXIS_HEIGHT}px`;
      root.hidden = rows === 0;
    },
    get view() {
      const visible = Math.min(all, MOST_IN_VIEW);
      const first = Math.min(all - visible, Math.round(root.scrollTop / height));
      return [first, first + visible] as const;
    },
  };
}

/** Names of rows: whole where they fit, else what tells them apart, shortened if need be; with the room that they take. */
export function rowLabels(
  names: readonly string[],
  room: number,
  theme: Theme,
): { readonly width: number; readonly labels: readonly string[] } {
  const widest = (labels: readonly string[]) =>
    Math.max(0, ...labels.map(label => textWidth(theme, label))) + 18;
  const labels = widest(names) <= room ? names : withoutCommonScopes(names);
  const width = widest(labels);
  const longest = Math.max(1, ...labels.map(label => label.length));
  const fitting = Math.max(8, Math.floor((longest * (room - 18)) / (width - 18)));
  return { width: Math.min(width, room), labels: labels.map(label => shorten(label, fitting)) };
}
