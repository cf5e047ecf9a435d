import { doubtOf, doubtText, stepWords } from '../../src/engine/report/doubt';
import type { Report } from '../../src/engine/report/schema';
import type { TrustReport, TrustStep } from '../../src/engine/report/trust';
import type { Channel } from '../shared/channel';
import { chartView, type ScatterConfig } from '../shared/chart';
import { type Child, element, fill, icon, setText } from '../shared/element';
import { formatPercent, plural, typesetNumber } from '../shared/format';
import { plainTable } from '../shared/scrollingTable';
import { legendEntry } from './legend';
import { measureAgain } from './measureAgain';
import { inNetworkOrder } from './networkOrder';
import { panel, type Section, type Shown } from './section';
import { unfinished } from './unfinished';
import { courseConfig } from './trustChart';
import { gradientCourse, isRoundingVisible, lossCourse } from './trustCourse';
import { type StepPlace, trustGrid } from './trustGrid';
import { chosenSentence, trustSentence } from './trustWords';

const stepAt = (trust: TrustReport, { layer, bits }: StepPlace): TrustStep | undefined =>
  trust.layers.find(({ name }) => name === layer)?.steps.find(step => step.bits === bits);

/** What to look at first: a doubted width that is used, else one that is not, else the first step. */
function firstPlace(trust: TrustReport, report: Report): StepPlace | undefined {
  const places = trust.layers.flatMap(({ name, steps }) => steps.map(({ bits }) => ({ layer: name, bits })));
  const bitsOf = new Map(report.layers.map(({ name, bits }) => [name, bits]));
  const doubted = places.filter(({ layer, bits }) => doubtOf(report, layer, bits));
  return doubted.find(({ layer, bits }) => bitsOf.get(layer) === bits) ?? doubted[0] ?? places[0];
}

/** What the course of a step comes to, and what to do about it. */
function stepSentence({ layer, bits }: StepPlace, step: TrustStep, report: Report): Child[] {
  const doubt = doubtText(step, typesetNumber);
  const isDoubted = doubtOf(report, layer, bits) !== undefined;
  const after = !doubt
    ? ''
    : isDoubted
      ? ' Do not rely on this sensitivity.'
      : ' The sensitivity of this width is measured, so it does not matter.';
  return [
    element('span', { class: doubt ? 'doubtful' : 'good' }, icon(doubt ? 'warning' : 'check')),
    element('strong', {}, element('code', {}, layer), ` at ${bits} bits: `),
    `${doubt ?? 'the second-order model holds along the whole step'}.${after}`,
  ];
}

function pointRows({ points }: TrustStep): HTMLElement[] {
  return points.map(({ share, loss, gradientNorm, isTrusted }) =>
    element(
      'tr',
      {},
      element('th', { scope: 'row', 'aria-label': stepWords(share) }, String(share)),
      ...[loss.measured, loss.predicted].map(value =>
        element('td', { class: 'number' }, typesetNumber(value)),
      ),
      element(
        'td',
        { class: isTrusted ? 'good' : 'doubtful' },
        icon(isTrusted ? 'check' : 'warning'),
        isTrusted ? 'yes' : 'no',
      ),
      ...[gradientNorm.measured, gradientNorm.predicted].map(value =>
        element('td', { class: 'number' }, typesetNumber(value)),
      ),
    ),
  );
}

const pointHead = (): HTMLElement => {
  const heading = (text: string, className = 'number', span = '1'): HTMLElement =>
    element('th', { scope: 'col', class: className, colspan: span }, text);
  return element(
    'thead',
    {},
    element(
      'tr',
      {},
      element('td', { class: 'over' }),
      heading('Change of the loss', 'over', '3'),
      heading('Norm of the gradient', 'over', '2'),
    ),
    element(
      'tr',
      {},
      heading('Step', ''),
      heading('measured'),
      heading('predicted'),
      heading('trusted', ''),
      heading('measured'),
      heading('predicted'),
    ),
  );
};

/** How far the second-order model holds along each layer's real quantization error, and which sensitivities not to believe. */
export function trust(channel: Channel): Section {
  const title = 'Trust in the second-order model';
  const again = measureAgain(channel, 'trust', title);
  const progress = unfinished();
  const said = element('p', { class: 'meaning' });
  const chosenSaid = element('span');
  const sentence = element('span');
  said.append(sentence, ' ', chosenSaid);
  const boxes = (className: string, held: number): HTMLElement =>
    element(
      'span',
      { class: `boxes ${className}`, 'aria-hidden': 'true' },
      ...[0, 1, 2].map(i => element('i', i < held ? { class: 'held' } : {})),
    );
  const gridKey = element(
    'p',
    { class: 'legend' },
    element('span', {}, 'How far along the quantization error the model holds:'),
    element('span', { class: 'legend-entry' }, boxes('holds', 3), 'all of it'),
    element('span', { class: 'legend-entry' }, boxes('doubted', 2), 'part of it, so Ω is in doubt'),
    element('span', { class: 'legend-entry' }, boxes('off', 1), 'part of it, but measured'),
  );
  const grid = trustGrid(choose, layer => channel.select(layer));
  const stepSaid = element('p', { class: 'meaning step-said' });
  const key = element('p', { class: 'legend' });
  const loss = chartView<ScatterConfig>();
  const gradient = chartView<ScatterConfig>();
  const points = element('tbody');
  const note = element('p', { class: 'left-out' });
  const root = panel(title, 'trust', again.root);
  root.append(
    progress.root,
    said,
    element(
      'div',
      { class: 'side-by-side' },
      element('div', {}, gridKey, grid.root),
      element(
        'div',
        { class: 'step' },
        stepSaid,
        key,
        element(
          'div',
          { class: 'courses' },
          ...[loss, gradient].map(({ canvas }) => element('div', { class: 'chart-box small' }, canvas)),
        ),
        plainTable('The step that is shown', pointHead(), points).root,
        note,
      ),
    ),
  );

  let shown: Shown | undefined;

  function choose(place: StepPlace): void {
    channel.keep({ trustStep: place });
    drawStep();
  }

  function drawStep(): void {
    const report = shown?.measured;
    const found = report?.studies?.trust;
    if (!shown || !report || !found) return;
    const kept = channel.ui.trustStep;
    const place = kept && stepAt(found, kept) ? kept : firstPlace(found, report);
    const step = place && stepAt(found, place);
    if (!place || !step) return;
    grid.choose(place);
    const { rounding, settings } = found;
    const course = lossCourse(step, settings.tolerance, rounding);
    const hasLimit = isRoundingVisible(course);
    fill(stepSaid, [place, step, settings], () => stepSentence(place, step, report));
    const isOff = step.points.some(({ isTrusted }) => !isTrusted);
    fill(key, [hasLimit, isOff], () => [
      legendEntry('mark-chosen', 'measured, ± what is allowed'),
      isOff ? legendEntry('mark-off', 'off by more') : undefined,
      legendEntry('mark-course', 'predicted'),
      hasLimit ? legendEntry('mark-limit', 'rounding') : undefined,
    ]);
    const where = `${place.layer} at ${place.bits} bits`;
    loss.draw(
      courseConfig(course, shown.theme),
      `Change of the loss along the step of ${where}, measured and predicted; the table below lists it: ${doubtText(step, typesetNumber) ?? 'the second-order model holds along the whole step'}.`,
    );
    gradient.draw(
      courseConfig(gradientCourse(step), shown.theme),
      `Norm of the gradient along the step of ${where}, measured and predicted; the table below lists it.`,
    );
    fill(points, step, () => pointRows(step));
    setText(
      note,
      `A prediction may be off by ${formatPercent(settings.tolerance)} of the measured change, and by ${typesetNumber(rounding, 2)}, which rounding leaves uncertain. Loss ${typesetNumber(found.loss)} on ${plural(found.samples, 'sample')}.`,
    );
  }

  channel.onSelect(() => grid.mark(channel.ui.selectedLayer));

  return {
    root,
    update(next) {
      shown = next;
      const report = next.measured;
      const found = report?.studies?.trust;
      root.hidden = !found;
      if (!report || !found) return;
      again.update(next);
      progress.update(found, next.state.study !== undefined);
      setText(sentence, trustSentence(found));
      setText(chosenSaid, chosenSentence(next.state.report ?? report));
      const known = new Set(report.layers.map(({ name }) => name));
      grid.draw(
        { ...found, layers: inNetworkOrder(found.layers, report.layers) },
        report.settings.measureUpTo ?? 0,
        layer => channel.hasHost && known.has(layer),
      );
      grid.mark(channel.ui.selectedLayer);
      drawStep();
    },
  };
}
