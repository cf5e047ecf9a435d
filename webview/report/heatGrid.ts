import type { WithError } from '../../src/engine/report/coupling';
import { textWidth } from '../shared/chart';
import { element, spoken } from '../shared/element';
import { estimateParts, typesetNumber } from '../shared/format';
import { gridKeys } from '../shared/gridKeys';
import type { Theme } from '../shared/theme';
import { heatColour, type HeatScale } from './heatScale';

/** No cell smaller than this holds figures, and none that leaves less than the margin beside the widest of them; in pixels. */
const LEAST_ROOM = 54;
const MARGIN = 6;
/** Size of the errors' letters beside that of the figures. */
const ERROR_SCALE = 10 / 12;

export interface HeatPicture {
  readonly names: readonly string[];
  /** What stands beside rows and above columns. */
  readonly labels: readonly string[];
  readonly values: readonly (readonly (WithError | undefined)[])[];
  readonly scale: HeatScale | undefined;
  /** What a cell says, in full. */
  readonly words: (l: number, m: number) => string;
  /** Side of a cell in pixels. */
  readonly side: number;
  /** Whether the cells hold their figures. */
  readonly hasFigures: boolean;
  readonly theme: Theme;
  readonly canReveal: (name: string) => boolean;
}

export interface HeatGrid {
  readonly root: HTMLElement;
  draw(picture: HeatPicture): void;
  /** Marks the row and column of a layer. */
  mark(name: string | null): void;
  /** The cell in the tab order. */
  rest(l: number, m: number): void;
}

export interface HeatEvents {
  /** A cell is pointed at or has the focus; undefined when the pointer leaves. */
  readonly onEnter: (l: number, m: number, hasFocus: boolean) => void;
  readonly onLeave: () => void;
  readonly onReveal: (name: string) => void;
}

/** A square matrix in colours: a table whose cells say what they stand for, with the keys of a grid. */
export function heatGrid(label: string, { onEnter, onLeave, onReveal }: HeatEvents): HeatGrid {
  const head = element('tr');
  const body = element('tbody');
  const table = element(
    'table',
    { class: 'heat', role: 'grid', 'aria-label': label, 'aria-readonly': 'true' },
    element('thead', {}, head),
    body,
  );
  const root = element('div', { class: 'heat-scroll' }, table);
  // The names of rows are the first column, -1 for those who listen.
  const keys = gridKeys(body, (row, column) => onEnter(row, column - 1, true));
  let names: readonly string[] = [];
  let rows: readonly (readonly HTMLTableCellElement[])[] = [];

  body.addEventListener('pointerover', ({ target }) => {
    const cell = target instanceof Element ? target.closest<HTMLElement>('td') : null;
    if (cell) onEnter(Number(cell.dataset.row), Number(cell.dataset.at) - 1, false);
  });
  body.addEventListener('pointerleave', onLeave);
  body.addEventListener('click', ({ target }) => {
    const cell = target instanceof Element ? target.closest<HTMLElement>('td') : null;
    cell?.focus();
  });

  function rowHeading(name: string, text: string, canReveal: boolean, row: number): HTMLElement {
    const inner = canReveal
      ? element('button', { type: 'button', class: 'layer-name', title: name })
      : element('span', { class: 'layer-name', title: name });
    inner.append(element('code', { 'aria-hidden': 'true' }, text), spoken(name));
    if (canReveal) inner.addEventListener('click', () => onReveal(name));
    keys.place(inner, row, 0);
    return element('th', { scope: 'row' }, inner);
  }

  function rebuild(picture: HeatPicture): void {
    names = picture.names;
    head.replaceChildren(
      element('td'),
      ...names.map((name, m) =>
        element(
          'th',
          { scope: 'col', title: name, 'aria-label': name },
          element('code', {}, picture.labels[m]),
        ),
      ),
    );
    rows = names.map((_, l) =>
      names.map((__, m) => {
        const cell = element('td');
        keys.place(cell, l, m + 1);
        return cell;
      }),
    );
    body.replaceChildren(
      ...names.map((name, l) =>
        element('tr', {}, rowHeading(name, picture.labels[l], picture.canReveal(name), l), ...rows[l]),
      ),
    );
    keys.rest(0, 1);
  }

  function paint({ values, scale, words, side, hasFigures, theme }: HeatPicture): void {
    table.style.setProperty('--cv-side', `${side}px`);
    table.classList.toggle('with-figures', hasFigures);
    rows.forEach((row, l) =>
      row.forEach((cell, m) => {
        const value = values[l][m];
        const position = value && scale?.position(value.estimate);
        const colour = position === undefined ? undefined : heatColour(theme, position);
        cell.style.background = colour?.fill ?? '';
        cell.style.color = colour?.text ?? '';
        cell.setAttribute('aria-label', words(l, m));
        cell.replaceChildren(...(hasFigures ? figures(value) : []));
      }),
    );
  }

  let shown = '';
  return {
    root,
    draw(picture) {
      const { values, labels, side, theme } = picture;
      const key = JSON.stringify([picture.names, values, labels, side, theme]);
      if (key === shown) return;
      shown = key;
      if (JSON.stringify(picture.names) !== JSON.stringify(names)) rebuild(picture);
      paint(picture);
    },
    mark(name) {
      const at = name === null ? -1 : names.indexOf(name);
      [...body.rows].forEach((row, l) => row.classList.toggle('selected', l === at));
      [...head.cells].forEach((cell, m) => cell.classList.toggle('selected', m - 1 === at && at >= 0));
    },
    rest: (l, m) => keys.rest(l, m + 1),
  };
}

/** What stands in a cell, line by line: the figure, its error, the power of ten that they share. */
function lines(value: WithError | undefined): readonly [figure: string, ...small: string[]] {
  if (!value) return ['–'];
  if (!(value.stderr > 0)) return [typesetNumber(value.estimate)];
  const { figures, error, power } = estimateParts(value.estimate, value.stderr);
  return [figures, `± ${error}`, ...(power ? [power] : [])];
}

function figures(value: WithError | undefined): HTMLElement[] {
  const [figure, ...small] = lines(value);
  return [element('span', {}, figure), ...small.map(line => element('small', {}, line))];
}

const longest = (texts: readonly string[]): string =>
  texts.reduce((most, text) => (text.length > most.length ? text : most), '');

/** The side in pixels from which on cells hold their figures. */
export function roomForFigures(values: HeatPicture['values'], theme: Theme): number {
  const cells = values.flat().map(lines);
  const widest = Math.max(
    textWidth(theme, longest(cells.map(([figure]) => figure))),
    ERROR_SCALE * textWidth(theme, longest(cells.flatMap(([, ...small]) => small))),
  );
  return Math.max(LEAST_ROOM, Math.ceil(widest) + MARGIN);
}
