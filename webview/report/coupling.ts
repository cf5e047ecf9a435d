import type { WithError } from '../../src/engine/report/coupling';
import { strongestPairs } from '../../src/engine/report/couplingFigures';
import type { Channel, CouplingView } from '../shared/channel';
import { textWidth } from '../shared/chart';
import { checkbox, slider } from '../shared/controls';
import { type Child, element, fill, setText } from '../shared/element';
import { shorten, typesetNumber, unbroken, withoutCommonScopes } from '../shared/format';
import { onWidthChange } from '../shared/onWidthChange';
import {
  basis,
  type Figures,
  figuresOf,
  inPercent,
  normText,
  percent,
  verdict,
  words,
} from './couplingWords';
import { heatGrid, roomForFigures } from './heatGrid';
import { heatColour, type HeatScale, heatScale } from './heatScale';
import { measureAgain } from './measureAgain';
import { panel, type Section, type Shown } from './section';
import { unfinished } from './unfinished';

const SMALLEST_CELL = 12;
const LARGEST_CELL = 96;
const CELL_STEP = 2;
/** What fits by itself is never smaller than can be pointed at, nor larger than figures need. */
const FITTING = { least: 14, most: 60 };
const LONGEST_LABEL = 22;
const PAIRS = 8;
/** Between matrix and pairs, and at the panel's sides together with what stands around names. */
const GAP = 40;
const PADDING = 60;
/** Of the matrix before it scrolls, as the style has it, and what its head takes beyond the names of columns. */
const TALLEST = 680;
const HEAD = 30;

function pairRows({ report, relative }: Figures, isRelative: boolean): HTMLElement[] {
  const size = isRelative ? (l: number, m: number) => relative[l][m]?.estimate ?? 0 : undefined;
  const cell = (value: WithError | undefined, write: (value: WithError) => string) =>
    element('td', { class: 'number' }, value ? write(value) : '–');
  return strongestPairs(report, PAIRS, size).map(({ l, m }) =>
    element(
      'tr',
      {},
      element('th', { scope: 'row' }, ...[l, m].map(index => element('code', {}, report.layers[index].name))),
      cell(report.norms[l][m], normText),
      cell(relative[l][m], percent),
    ),
  );
}

function legend(scale: HeatScale | undefined, shown: Shown, isRelative: boolean): Child[] {
  if (!scale) return ['No pair of layers shares any curvature.'];
  const bar = element('span', { class: 'heat-bar', 'aria-hidden': 'true' });
  const ends = [0, 1].map(position => heatColour(shown.theme, position).fill);
  bar.style.background = `linear-gradient(to right, ${ends.join(', ')})`;
  const write = (value: number) => (isRelative ? `${typesetNumber(value)}\u00a0%` : typesetNumber(value));
  return [
    element('span', {}, isRelative ? '‖Hₗₘ‖ / √(‖Hₗₗ‖ ‖Hₘₘ‖)' : '‖Hₗₘ‖, Frobenius norm'),
    element('span', { class: 'heat-key' }, write(scale.min), bar, write(scale.max)),
    element('span', {}, 'logarithmic'),
  ];
}

/** How much curvature each pair of layers shares, and whether what layers cost alone may be added. */
export function coupling(channel: Channel): Section {
  const title = 'Coupling of layers';
  const again = measureAgain(channel, 'coupling', title);
  const progress = unfinished();
  const relativeControl = checkbox('Relative to their own blocks', isRelative => set({ isRelative }));
  const sideControl = slider('Size of the cells', position =>
    set({ cell: SMALLEST_CELL + CELL_STEP * position }),
  );
  const side = element('label', { class: 'heat-side' }, 'Cells', sideControl.root);
  const said = element('p', { class: 'meaning' });
  const key = element('p', { class: 'legend' });
  const readout = element('p', { class: 'readout' });
  const grid = heatGrid('Norms of the blocks between layers', {
    onEnter: (l, m, hasFocus) => {
      if (!figures || m < 0) return;
      const { layers } = figures.report;
      if (hasFocus) keep({ pair: [layers[l].name, layers[m].name] });
      setText(readout, unbroken(words(figures, l, m)));
    },
    onLeave: readResting,
    onReveal: layer => channel.select(layer),
  });
  const note = element('p', { class: 'left-out' });
  const pairs = element('tbody');
  const heading = (text: string, className: string): HTMLElement =>
    element('th', { scope: 'col', class: className }, text);
  const pairTable = element(
    'table',
    { class: 'plain pairs', 'aria-label': 'Pairs of layers that share most' },
    element(
      'thead',
      {},
      element('tr', {}, heading('Pair', ''), heading('Norm', 'number'), heading('Relative', 'number')),
    ),
    pairs,
  );
  const root = panel(title, 'coupling', relativeControl.root, side, again.root);
  const columns = element(
    'div',
    { class: 'side-by-side' },
    element('div', {}, key, grid.root, readout, note),
    pairTable,
  );
  root.append(progress.root, said, columns);

  let shown: Shown | undefined;
  let figures: Figures | undefined;

  const keep = (changed: Partial<CouplingView>): void =>
    channel.keep({ coupling: { ...channel.ui.coupling, ...changed } });

  function set(changed: Partial<CouplingView>): void {
    keep(changed);
    redraw();
  }

  /** The cell that the reader was at last, or the strongest pair. */
  function resting(): readonly [number, number] {
    if (!figures) return [0, 0];
    const names = figures.report.layers.map(({ name }) => name);
    const [l = -1, m = -1] = (channel.ui.coupling.pair ?? []).map(name => names.indexOf(name));
    if (l >= 0 && m >= 0) return [l, m];
    const [strongest] = strongestPairs(figures.report, 1);
    return strongest ? [strongest.l, strongest.m] : [0, 0];
  }

  function readResting(): void {
    if (figures) setText(readout, unbroken(words(figures, ...resting())));
  }

  function redraw(): void {
    if (!shown || !figures) return;
    const { report, relative } = figures;
    const { isRelative, cell: asked } = channel.ui.coupling;
    const names = report.layers.map(({ name }) => name);
    const labels = withoutCommonScopes(names).map(name => shorten(name, LONGEST_LABEL));
    const isStacked = !getComputedStyle(columns).gridTemplateColumns.includes(' ');
    const taken = isStacked ? 0 : pairTable.offsetWidth + GAP;
    const longest = Math.max(...labels.map(label => textWidth(shown!.theme, label)));
    const room = root.clientWidth - PADDING - taken - longest;
    const side = (length: number): number => Math.floor(length / names.length) - 1;
    // In percent, as everywhere else. A layer beside itself is 1 by definition: no colour for that.
    const values = isRelative
      ? relative.map((row, l) => row.map((value, m) => (l === m || !value ? undefined : inPercent(value))))
      : report.norms;
    const forFigures = roomForFigures(values, shown.theme);
    // A matrix that fits but for its last row is made to fit, where its figures still do.
    const byHeight = side(TALLEST - HEAD - longest);
    const fitting = Math.min(side(room), byHeight >= forFigures ? byHeight : Infinity);
    const cell = asked || Math.max(FITTING.least, Math.min(Math.max(FITTING.most, forFigures), fitting));
    const scale = heatScale(values.flatMap(row => row.map(value => value?.estimate ?? 0)));
    relativeControl.set(isRelative);
    sideControl.set(
      Math.round((cell - SMALLEST_CELL) / CELL_STEP),
      (LARGEST_CELL - SMALLEST_CELL) / CELL_STEP,
      `${cell} pixels`,
    );
    fill(key, [scale, isRelative, shown.theme], () => legend(scale, shown!, isRelative));
    const known = new Set(shown.measured?.layers.map(({ name }) => name));
    const current = figures;
    grid.draw({
      names,
      labels,
      values,
      scale,
      words: (l, m) => words(current, l, m),
      side: cell,
      hasFigures: cell >= forFigures,
      theme: shown.theme,
      canReveal: name => channel.hasHost && known.has(name),
    });
    grid.mark(channel.ui.selectedLayer);
    fill(pairs, [report.norms, isRelative], () => pairRows(current, isRelative));
  }

  channel.onSelect(() => grid.mark(channel.ui.selectedLayer));
  onWidthChange(root, redraw);

  return {
    root,
    update(next) {
      shown = next;
      const found = next.measured?.studies?.coupling;
      root.hidden = !found;
      if (!found || !next.measured) return;
      figures = figuresOf(found, next.measured);
      again.update(next);
      progress.update(found, next.state.study !== undefined);
      fill(said, found, () => verdict(found));
      setText(note, basis(found));
      redraw();
      readResting();
      grid.rest(...resting());
    },
  };
}
