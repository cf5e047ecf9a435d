import type { Report } from '../../src/engine/report/schema';
import type { Channel } from '../shared/channel';
import { figureText } from '../shared/bars';
import { type BarsConfig, chartView } from '../shared/chart';
import { chartRows, rowLabels } from '../shared/chartRows';
import { checkbox, dropdown } from '../shared/controls';
import { element, fill, icon } from '../shared/element';
import { plural } from '../shared/format';
import { logRange } from '../shared/logRange';
import { onWidthChange } from '../shared/onWidthChange';
import { bitChip } from './bitChip';
import { decidedLayers, layersByBits } from './facts';
import { type Bar, bars, measures } from './measures';
import { panel, type Section, type Shown } from './section';
import { type BarWindow, sensitivityConfig } from './sensitivityBars';

/** Few layers get broad bars, many get narrow ones. */
const rowHeight = (rows: number): number => Math.max(24, Math.min(38, Math.floor(400 / Math.max(1, rows))));

/** What the chart says, for those who don't see it. */
function finding(label: string, all: readonly Bar[]): string {
  const [largest, ...rest] = [...all].sort((a, b) => b.value - a.value);
  if (!largest) return `${label} per layer: nothing measured yet.`;
  const smallest = rest.at(-1);
  const end = smallest ? `; smallest: ${smallest.layer.name}, ${figureText(smallest)}` : '';
  return `${label} per layer on a logarithmic scale. Largest: ${largest.layer.name}, ${figureText(largest)}${end}. The layer table lists every value.`;
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
          ` is not positive, ${figureText(bar)}: no place on a logarithmic axis.`,
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
  const rows = chartRows(chart.canvas, 'Sensitivity chart, scrollable', chartScrollTop => {
    drawWindow();
    if (restored) channel.keep({ chartScrollTop });
  });
  const legend = element('p', { class: 'legend' });
  const list = element('ul', { class: 'notes' });
  const root = panel('Sensitivity per layer', 'sensitivity', measureControl.root, orderControl.root);
  root.append(legend, rows.root, list);

  let shown: Shown | undefined;
  let all: Bar[] = [];
  let current: BarWindow | undefined;
  let restored = false;

  function drawWindow(): void {
    if (!shown?.state.report || !current) return;
    current = { ...current, rows: all.slice(...rows.view) };
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
    rows.resize(all.length, rowHeight(all.length));
    const room = Math.max(110, 0.36 * root.clientWidth);
    const { width: labelWidth, labels } = rowLabels(
      all.map(bar => bar.layer.name),
      room,
      shown.theme,
    );
    const labelOf = new Map(all.map((bar, index) => [bar, labels[index]]));
    current = {
      rows: [],
      range: logRange(all),
      measure,
      labelWidth,
      labelOf: bar => labelOf.get(bar) ?? '',
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

  onWidthChange(root, redraw);

  return {
    root,
    update(next) {
      shown = next;
      root.hidden = !next.state.report?.layers.length;
      redraw();
      if (!restored && all.length) {
        restored = true;
        rows.root.scrollTop = channel.ui.chartScrollTop;
      }
    },
  };
}
