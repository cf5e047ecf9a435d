import { spectrumKey } from '../../src/engine/report/spectrumKey';
import type { SpectrumReport } from '../../src/engine/report/spectrum';
import type { Channel, SpectrumView } from '../shared/channel';
import { chartView, type LineConfig } from '../shared/chart';
import { checkbox, dropdown, slider } from '../shared/controls';
import { element, fill, setText } from '../shared/element';
import { typesetNumber } from '../shared/format';
import { plainTable } from '../shared/scrollingTable';
import { panel, type Section, type Shown } from './section';
import { unfinished } from './unfinished';
import { spectrumConfig, type SpectrumPicture } from './spectrumChart';
import { type SpectrumFigures, spectrumFigures } from './spectrumFigures';
import { spectrumMeasure } from './spectrumMeasure';
import { spectrumRow, spectrumRows } from './spectrumTable';
import { findingText, spectrumFindings, spectrumName } from './spectrumWords';

/** The slider halves or doubles the width every four steps, from a sixteenth to 64 times the width shown first. */
const STEPS_TO_DOUBLE = 4;
const FEWEST = -4 * STEPS_TO_DOUBLE;
const MOST = 6 * STEPS_TO_DOUBLE;

const widthAt = ({ width }: SpectrumFigures, steps: number): number => width * 2 ** (steps / STEPS_TO_DOUBLE);

const widthText = ({ low, high }: SpectrumFigures, width: number): string =>
  `${typesetNumber(width)} (${typesetNumber((100 * width) / (high - low || 1), 2)}\u00a0% of the range)`;

function legend({ apart, density }: SpectrumFigures): HTMLElement[] {
  const entry = (mark: string, text: string) =>
    element(
      'span',
      { class: 'legend-entry' },
      element('span', { class: `mark ${mark}`, 'aria-hidden': 'true' }),
      text,
    );
  return [
    entry('mark-density', `Density ± standard error of ${density.quadratures.length} start vectors`),
    ...(apart.count ? [entry('mark-apart', 'Stands apart from the bulk')] : []),
    ...(density.outliers.length > apart.count ? [entry('mark-known', 'Found one by one')] : []),
  ];
}

/** How curvature is spread over all directions: density, outliers, and what can be read off them. */
export function spectrum(channel: Channel): Section {
  const chart = chartView<LineConfig>();
  const choice = dropdown('Spectrum', key => set({ key }));
  const logDensity = checkbox('Log density', isLogDensity => set({ isLogDensity }));
  const logAxis = checkbox('Log eigenvalues', isLogAxis => set({ isLogAxis }));
  const width = slider('Width of the density', position => set({ widthSteps: position + FEWEST }));
  const reading = element('output', { class: 'reading' });
  const said = element('ul', { class: 'meaning verdicts' });
  const key = element('p', { class: 'legend' });
  const body = element('tbody');
  const measure = spectrumMeasure(channel);
  const root = panel('Spectrum', 'spectrum', choice.root, logDensity.root, logAxis.root);
  const picture = element(
    'div',
    {},
    key,
    element('div', { class: 'chart-box' }, chart.canvas),
    element('div', { class: 'spectrum-width' }, element('span', {}, 'Width σ'), width.root, reading),
  );
  const progress = unfinished();
  root.append(
    progress.root,
    said,
    element('div', { class: 'side-by-side' }, picture, plainTable('Numbers of the spectrum', body).root),
    measure.root,
  );
  let shown: Shown | undefined;
  let known: ReadonlySet<string> | undefined;
  let drawn: SpectrumPicture | undefined;

  function set(changed: Partial<SpectrumView>): void {
    channel.keep({ spectrum: { ...channel.ui.spectrum, ...changed } });
    if (shown) update(shown);
  }

  /** What has just been measured is what the reader wants to see. */
  function follow(spectra: readonly SpectrumReport[]): void {
    const keys = spectra.map(spectrumKey);
    const fresh = known && keys.find(one => !known?.has(one));
    known = new Set(keys);
    if (fresh !== undefined) channel.keep({ spectrum: { ...channel.ui.spectrum, key: fresh } });
  }

  function draw(figures: SpectrumFigures, { theme }: Shown): void {
    const { widthSteps, isLogDensity, isLogAxis } = channel.ui.spectrum;
    const sigma = widthAt(figures, widthSteps);
    drawn = { figures, width: sigma, isLogDensity, isLogAxis, theme };
    logDensity.set(isLogDensity);
    logAxis.set(isLogAxis);
    width.set(widthSteps - FEWEST, MOST - FEWEST, widthText(figures, sigma));
    setText(reading, widthText(figures, sigma));
    const { low, high, report } = figures;
    chart.draw(
      spectrumConfig(() => drawn as SpectrumPicture),
      `Density of the eigenvalues, ${spectrumName(report)}, from ${typesetNumber(low)} to ${typesetNumber(high)}. ${spectrumFindings(figures).map(findingText).join(' ')}`,
    );
  }

  function update(next: Shown): void {
    shown = next;
    const spectra = (next.measured?.studies?.spectra ?? []).filter(({ density }) => density);
    if (next.measured) follow(spectra);
    const found = spectra.find(one => spectrumKey(one) === channel.ui.spectrum.key) ?? spectra[0];
    const figures = found && spectrumFigures(found);
    root.hidden = !figures;
    if (!figures) return;
    progress.update(found, next.state.study !== undefined);
    choice.set(
      spectra.map(one => ({ value: spectrumKey(one), label: spectrumName(one) })),
      spectrumKey(found),
    );
    const findings = spectrumFindings(figures);
    fill(said, findings, () =>
      findings.map(({ lead, rest }) => element('li', {}, element('strong', {}, lead), rest)),
    );
    const entries = [
      figures.apart.count,
      figures.density.outliers.length,
      figures.density.quadratures.length,
    ];
    fill(key, entries, () => legend(figures));
    const rows = spectrumRows(figures);
    fill(body, rows, () => rows.map(spectrumRow));
    draw(figures, next);
    measure.update(next);
  }

  return { root, update };
}
