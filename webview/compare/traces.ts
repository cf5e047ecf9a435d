import type { ReportComparison } from '../../src/engine/report/compareReports';
import type { CompareState } from '../../src/protocol/compareView';
import { matrixName } from '../report/facts';
import { panel } from '../report/section';
import { type BarsConfig, chartView } from '../shared/chart';
import { chartRows, rowLabels } from '../shared/chartRows';
import { checkbox } from '../shared/controls';
import { element, fill } from '../shared/element';
import { logRange } from '../shared/logRange';
import { onWidthChange } from '../shared/onWidthChange';
import type { Theme } from '../shared/theme';
import { distance, ratioText } from './comparisonWords';
import type { CompareChannel, Part } from './part';
import { sideMark } from './sideMark';
import { figureOf, tracesConfig } from './tracesChart';

const ROW_HEIGHT = 40;

/** The layers as chart and table show them. */
export const ordered = ({ layers }: ReportComparison, { ui }: CompareChannel): ReportComparison['layers'] =>
  ui.byValue ? [...layers].sort((x, y) => distance(y) - distance(x)) : layers;

/** What the chart says, for those who don't see it. */
function finding({ layers, matrix }: ReportComparison): string {
  const [most] = [...layers].sort((x, y) => distance(y) - distance(x));
  const largest = most?.ratio ? ` Largest ratio B by A: ${most.name}, ${ratioText(most)}.` : '';
  return `${matrixName(matrix)} traces of ${layers.length} layers in A and B on a logarithmic scale.${largest} The table below lists all.`;
}

/** The traces of both, a pair of bars to each layer. @param reorder draws chart and table in another order */
export function traces(channel: CompareChannel, reorder: () => void): Part {
  const order = checkbox('Largest change first', byValue => {
    channel.keep({ byValue });
    reorder();
  });
  const chart = chartView<BarsConfig>();
  const rows = chartRows(chart.canvas, 'Traces of both, scrollable', chartScrollTop => {
    channel.keep({ chartScrollTop });
    drawWindow();
  });
  const legend = element('p', { class: 'legend' });
  const root = panel('Trace per layer', 'sensitivity', order.root);
  root.append(legend, rows.root);
  let shown: { readonly state: CompareState; readonly theme: Theme } | undefined;

  function drawWindow(): void {
    const comparison = shown?.state.comparison;
    if (!shown || !comparison) return;
    const all = ordered(comparison, channel);
    const room = Math.max(110, 0.36 * root.clientWidth);
    const { width, labels } = rowLabels(
      all.map(({ name }) => name),
      room,
      shown.theme,
    );
    const ends = all.flatMap(({ a, b }) => [figureOf(a), figureOf(b)]);
    chart.draw(
      tracesConfig({
        rows: all.slice(...rows.view),
        labels: labels.slice(...rows.view),
        labelWidth: width,
        range: logRange(ends),
        title: `${matrixName(comparison.matrix)} trace`,
        theme: shown.theme,
      }),
      finding(comparison),
    );
  }

  onWidthChange(root, drawWindow);

  return {
    root,
    update(state, theme) {
      const { comparison } = state;
      const wasEmpty = !shown?.state.comparison;
      shown = { state, theme };
      root.hidden = !comparison?.layers.length;
      if (!comparison) return;
      order.set(channel.ui.byValue);
      fill(legend, state.names, () =>
        (['a', 'b'] as const).map(side =>
          element('span', { class: 'legend-entry' }, sideMark(side), state.names[side]),
        ),
      );
      rows.resize(comparison.layers.length, ROW_HEIGHT);
      if (wasEmpty) rows.root.scrollTop = channel.ui.chartScrollTop;
      drawWindow();
    },
  };
}
