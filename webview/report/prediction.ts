import type { MetricName } from '../../src/engine/report/metrics';
import type { Report } from '../../src/engine/report/schema';
import type { Channel } from '../shared/channel';
import { chartView, type ScatterConfig } from '../shared/chart';
import { dropdown } from '../shared/controls';
import { element, fill, setText } from '../shared/element';
import { plural } from '../shared/format';
import { plainTable } from '../shared/scrollingTable';
import { bitChip } from './bitChip';
import { predictionConfig } from './predictionChart';
import {
  type Agreement,
  agreementOf,
  hasMetric,
  isDrawable,
  judgement,
  type Measurement,
  measurements,
  metricWords,
  type Prediction,
  predictionPoints,
  predictions,
} from './predictionPoints';
import { panel, type Section, type Shown } from './section';

const rivals: readonly MetricName[] = [
  'omegaGgn',
  'omegaHessian',
  'expansion',
  'fit',
  'inputWeighted',
  'sqnr',
];

const figure = (rho: number | null): string => (rho === null ? '–' : rho.toFixed(2).replace('-', '−'));

function sentence(prediction: Prediction, measurement: Measurement, found: Agreement | undefined): string {
  if (!found) return '';
  const { all, acrossLayers, allInterval } = found;
  const between = allInterval ? ` (95 %: ${figure(allInterval.low)} to ${figure(allInterval.high)})` : '';
  return `${judgement(prediction, measurement, all)}: Spearman’s ρ is ${figure(all)}${between} over all layers and widths, ${figure(acrossLayers)} among layers of equal width.`;
}

/** How each metric ranks what was measured, the best one first. */
function rivalRows(report: Report): HTMLElement[] {
  const rows = rivals
    .filter(metric => hasMetric(report, metric))
    .map(metric => ({ metric, found: measurements.map(one => agreementOf(report, metric, one)) }))
    .sort((a, b) => (b.found[0]?.all ?? -2) - (a.found[0]?.all ?? -2));
  return rows.map(({ metric, found }) =>
    element(
      'tr',
      {},
      element('th', { scope: 'row' }, metricWords[metric]),
      ...found.flatMap(one => [
        element('td', { class: 'number' }, figure(one?.all ?? null)),
        element('td', { class: 'number' }, figure(one?.acrossLayers ?? null)),
      ]),
    ),
  );
}

/** What the metrics say of each layer alone, against what running the model with it quantized has shown. */
export function prediction(channel: Channel): Section {
  const chart = chartView<ScatterConfig>();
  const predicted = dropdown('Prediction', value => choose({ prediction: value }));
  const measured = dropdown('Measurement', value => choose({ measurement: value }));
  const said = element('p', { class: 'meaning' });
  const key = element('p', { class: 'legend' });
  const left = element('p', { class: 'left-out' });
  const body = element('tbody');
  const heading = (text: string, span: string): HTMLElement =>
    element('th', { scope: 'col', colspan: span, class: span === '1' ? 'number' : 'over' }, text);
  const head = element(
    'thead',
    {},
    element(
      'tr',
      {},
      element('td', { class: 'over' }),
      heading('Divergence', '2'),
      heading('Change of the loss', '2'),
    ),
    element(
      'tr',
      {},
      element('th', { scope: 'col' }, 'Metric'),
      ...['all', 'across layers', 'all', 'across layers'].map(text => heading(text, '1')),
    ),
  );
  const table = plainTable('Rank correlations of the metrics with what was measured', head, body);
  const root = panel('Predicted against measured', 'prediction', predicted.root, measured.root);
  root.append(
    said,
    element(
      'div',
      { class: 'side-by-side' },
      element('div', {}, key, element('div', { class: 'chart-box' }, chart.canvas), left),
      table.root,
    ),
  );
  let shown: Shown | undefined;

  function choose(changed: { readonly prediction?: string; readonly measurement?: string }): void {
    channel.keep(changed);
    if (shown) update(shown);
  }

  function update(next: Shown): void {
    shown = next;
    const report = next.measured;
    const offered = report ? predictions.filter(metric => hasMetric(report, metric)) : [];
    const asked = measurements.filter(metric => report && hasMetric(report, metric));
    root.hidden = !offered.length || !asked.length;
    if (!report || root.hidden) return;
    const by = offered.find(metric => metric === channel.ui.prediction) ?? offered[0] ?? 'omegaGgn';
    const against = asked.find(metric => metric === channel.ui.measurement) ?? asked[0] ?? 'divergence';
    const choices = (names: readonly MetricName[]) =>
      names.map(value => ({ value, label: metricWords[value] }));
    predicted.set(choices(offered), by);
    measured.set(choices(asked), against);
    const points = predictionPoints(report, by, against);
    const drawn = points.filter(isDrawable);
    setText(said, sentence(by, against, agreementOf(report, by, against)));
    fill(key, report.settings.bits, () =>
      [...report.settings.bits].sort((a, b) => a - b).map(bits => bitChip(bits)),
    );
    const missing = points.length - drawn.length;
    setText(
      left,
      missing
        ? `${plural(missing, 'figure')} at or below zero ${missing > 1 ? 'have' : 'has'} no place here.`
        : '',
    );
    chart.canvas.hidden = drawn.length === 0;
    if (drawn.length) {
      const titles = { predicted: `Predicted: ${metricWords[by]}`, measured: capital(metricWords[against]) };
      chart.draw(
        predictionConfig(drawn, titles, next.theme),
        `${plural(drawn.length, 'point')}, one for each layer alone at each width: ${titles.predicted}, against the ${metricWords[against]}. ${said.textContent}`,
      );
    }
    fill(body, report.metrics?.correlations, () => rivalRows(report));
  }

  return { root, update };
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
