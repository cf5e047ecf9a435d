import type { Report } from '../../src/engine/report/schema';
import type { Channel } from '../shared/channel';
import { type BarsConfig, chartView, textWidth } from '../shared/chart';
import { checkbox, dropdown } from '../shared/controls';
import { element, fill, icon } from '../shared/element';
import { plural, shorten, withoutCommonScopes } from '../shared/format';
import type { Theme } from '../shared/theme';
import { bitChip } from './bitChip';
import { decidedLayers, layersByBits } from './facts';
import { type Bar, bars, logRange, measures } from './measures';
import { panel, type Section, type Shown } from './section';
import { type BarWindow, sensitivityConfig, withError } from './sensitivityBars';

const AXIS_HEIGHT = 28;
const MAX_ROWS = 18;

/** Few layers get broad bars, many get narrow ones. */
const rowHeight = (rows: number): number => Math.max(24, Math.min(38, Math.floor(400 / Math.max(1, rows))));

/** What the chart says, for those who don't see it. */
function finding(label: string, all: readonly Bar[]): string {
  const [largest, ...rest] = [...all].sort((a, b) => b.value - a.value);
  if (!largest) return `${label} per layer: nothing measured yet.`;
  const smallest = rest.at(-1);
  const end = smallest ? `; smallest: ${smallest.layer.name}, ${withError(smallest)}` : '';
  return `${label} per layer on a logarithmic scale. Largest: ${largest.layer.name}, ${withError(largest)}${end}. The layer table lists every value.`;
}

/** Full names where they fit, else what tells them apart, shortened if need be. */
function labelling(
  all: readonly Bar[],
  room: number,
  theme: Theme,
): Pick<BarWindow, 'labelWidth' | 'labelOf'> {
  const widest = (labels: readonly string[]) =>
    Math.max(0, ...labels.map(label => textWidth(theme, label))) + 18;
  const full = all.map(bar => bar.layer.name);
  const labels = widest(full) <= room ? full : withoutCommonScopes(full);
  const width = widest(labels);
  const longest = Math.max(1, ...labels.map(label => label.length));
  const fitting = Math.max(8, Math.floor((longest * (room - 18)) / (width - 18)));
  const byBar = new Map(all.map((bar, index) => [bar, shorten(labels[index] ?? '', fitting)]));
  return { labelWidth: Math.min(width, room), labelOf: bar => byBar.get(bar) ?? '' };
}

function notes(report: Report, all: readonly Bar[]): HTMLElement[] {
  const below = all.filter(bar => bar.value <= 0);
  const unreached = report.layers.filter(layer => layer.status === 'not-reached');
  const pending = report.layers.filter(layer => layer.status === 'pending');
  return [
    ...below.map(bar =>
      element(
        'li',
        {},
        icon('warning'),
        element(
          'span',
          {},
          element('code', {}, bar.layer.name),
          ` is not positive (${withError(bar)}): no place on a logarithmic axis.`,
        ),
      ),
    ),
    ...unreached.map(layer =>
      element(
        'li',
        {},
        icon('circle-slash'),
        element(
          'span',
          {},
          element('code', {}, layer.name),
          ` not reached: ${layer.reason ?? 'no reason given'}`,
        ),
      ),
    ),
    ...(pending.length
      ? [
          element(
            'li',
            {},
            icon('clock'),
            element(
              'span',
              {},
              `${plural(pending.length, 'layer')} not measured yet: `,
              ...pending.flatMap((layer, i) => [i ? ', ' : '', element('code', {}, layer.name)]),
            ),
          ),
        ]
      : []),
  ];
}

/** How sensitive each layer is. The canvas holds only the rows in view, so any number of layers can be scrolled. */
export function sensitivity(channel: Channel): Section {
  const measureControl = dropdown('Quantity shown per layer', measure => {
    channel.keep({ measure });
    redraw();
  });
  const orderControl = checkbox('Sort by value', byValue => {
    channel.keep({ byValue });
    redraw();
  });
  const chart = chartView<BarsConfig>();
  const pane = element('div', { class: 'chart-pane' }, chart.canvas);
  const spacer = element('div', { class: 'chart-spacer' }, pane);
  const scroller = element(
    'div',
    { class: 'chart-scroll', tabindex: '0', role: 'group', 'aria-label': 'Sensitivity chart, scrollable' },
    spacer,
  );
  const legend = element('p', { class: 'legend' });
  const list = element('ul', { class: 'notes' });
  const root = panel('Sensitivity per layer', 'sensitivity', measureControl.root, orderControl.root);
  root.append(legend, scroller, list);

  let shown: Shown | undefined;
  let all: Bar[] = [];
  let current: BarWindow | undefined;

  function drawWindow(): void {
    if (!shown?.state.report || !current) return;
    const visible = Math.min(all.length, MAX_ROWS);
    const first = Math.min(all.length - visible, Math.round(scroller.scrollTop / rowHeight(all.length)));
    current = { ...current, rows: all.slice(first, first + visible) };
    chart.draw(
      sensitivityConfig(() => current as BarWindow),
      finding(current.measure.label, all),
    );
  }

  function redraw(): void {
    const report = shown?.state.report;
    if (!shown || !report) return;
    const choices = measures(report);
    const measure = choices.find(choice => choice.id === channel.ui.measure) ?? choices[0];
    if (!measure) return;
    measureControl.set(
      choices.map(choice => ({ value: choice.id, label: choice.label })),
      measure.id,
    );
    orderControl.set(channel.ui.byValue);
    all = bars(report, measure, channel.ui.byValue);
    const visible = Math.min(all.length, MAX_ROWS);
    const height = rowHeight(all.length);
    spacer.style.height = `${all.length * height + AXIS_HEIGHT}px`;
    pane.style.height = scroller.style.height = `${visible * height + AXIS_HEIGHT}px`;
    scroller.hidden = !all.length;
    current = {
      rows: [],
      range: logRange(all),
      measure,
      ...labelling(all, Math.max(110, 0.36 * root.clientWidth), shown.theme),
      theme: shown.theme,
      onPick: bar => channel.post({ type: 'revealLayer', layer: bar.layer.name }),
    };
    drawWindow();
    fill(list, [report.layers, measure.id], () => notes(report, all));
    fill(
      legend,
      report.layers.map(layer => layer.bits),
      () => {
        const groups = [...layersByBits(decidedLayers(report), layer => layer.bits).keys()];
        return groups.length ? [element('span', {}, 'Bits:'), ...groups.map(bits => bitChip(bits))] : [];
      },
    );
  }

  let restored = false;
  scroller.addEventListener('scroll', () => {
    drawWindow();
    if (restored) channel.keep({ chartScrollTop: scroller.scrollTop });
  });
  let width = 0;
  new ResizeObserver(() => {
    if (root.clientWidth !== width) redraw();
    width = root.clientWidth;
  }).observe(root);

  return {
    root,
    update(next) {
      shown = next;
      root.hidden = !next.state.report?.layers.length;
      redraw();
      if (!restored && all.length) {
        restored = true;
        scroller.scrollTop = channel.ui.chartScrollTop;
      }
    },
  };
}
