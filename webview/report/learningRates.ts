import type { StabilityReport } from '../../src/engine/report/stability';
import type { Training } from '../../src/engine/training/optimizers';
import { suggestedTraining } from '../../src/engine/training/stableSettings';
import { isMeasuredFor, verdict, type Verdict, verdictWord } from '../../src/engine/training/verdict';
import type { Channel } from '../shared/channel';
import { chartView, type ScatterConfig } from '../shared/chart';
import { button } from '../shared/controls';
import { element, fill, icon } from '../shared/element';
import { typesetNumbers, unbroken } from '../shared/format';
import { plainTable } from '../shared/scrollingTable';
import { learningRateConfig, type LearningRatePicture } from './learningRateChart';
import { learningRateCurves, type LearningRateCurves } from './learningRateCurves';
import { batchTable, boundsTable } from './learningRateTables';
import { batchFacts, matrixFacts, outsideFacts, suggestionFacts } from './learningRateWords';
import { legendEntry } from './legend';
import { measureAgain } from './measureAgain';
import { panel, type Section, type Shown } from './section';
import { unfinished } from './unfinished';
import { trainingControls } from './trainingControls';

const same = (a: Training, b: Training): boolean =>
  a.learningRate === b.learningRate &&
  a.batchSize === b.batchSize &&
  a.momentum === b.momentum &&
  a.optimizer === b.optimizer;

const legend = (): HTMLElement[] => [
  legendEntry('mark-chosen', 'These settings'),
  legendEntry('mark-own', 'As measured'),
  legendEntry('mark-batches', 'Random batches'),
  legendEntry('mark-formula', 'By formula'),
  legendEntry('mark-band', 'Noise decides'),
];

/** Whether training goes on stably from these weights, and with which settings it would. */
export function learningRates(channel: Channel): Section {
  const title = 'Stability of training';
  const chart = chartView<ScatterConfig>();
  const said = element('p', { class: 'stability-verdict', 'aria-live': 'polite' });
  const controls = trainingControls(change);
  const key = element('p', { class: 'legend' }, ...legend());
  const caption = element(
    'p',
    { class: 'left-out' },
    'Points and dashes: what the loss of one batch allows. Band: from surely stable to surely unstable on ever new batches.',
  );
  const facts = element('ul', { class: 'meaning verdicts' });
  const bounds = plainTable('What each optimizer allows with the full batch');
  const batches = plainTable('Largest stable learning rates by batch size');
  const press = (label: string, iconName: string, description: string, onPress: () => void) =>
    button({ label, icon: iconName, description, onPress });
  const reset = press('Reset', 'discard', 'Reset to the settings that were measured with', () => keep(null));
  const suggested = press(
    'Try Suggestion',
    'lightbulb',
    'Try Suggestion: what the suggested settings would do',
    () => {
      const found = at();
      if (found) change(suggestedTraining(found.training, found.study, found.study.suggestion));
    },
  );
  const settings = press(
    'Change Settings…',
    'settings-gear',
    'Change Settings…: measure with other training settings',
    () => channel.post({ type: 'study', kind: 'stability', choice: { askAgain: true } }),
  );
  const again = measureAgain(channel, 'stability', title);
  const progress = unfinished();
  const root = panel(title, 'learning-rates', settings.root, again.root);
  root.append(
    progress.root,
    said,
    element(
      'div',
      { class: 'try-out' },
      controls.root,
      element('div', { class: 'try-actions' }, suggested.root, reset.root),
    ),
    element(
      'div',
      { class: 'side-by-side' },
      element('div', {}, key, element('div', { class: 'chart-box' }, chart.canvas), caption),
      element('div', {}, bounds.root, facts),
    ),
    batches.root,
  );
  let shown: Shown | undefined;
  let picture: LearningRatePicture | undefined;
  let curves: { readonly key: string; readonly found: LearningRateCurves } | undefined;

  /** The study with what the reader tries out, unless that was meant for an earlier one. */
  function at(): { readonly study: StabilityReport; readonly training: Training } | undefined {
    const study = shown?.measured?.studies?.stability;
    if (!study) return undefined;
    const { whatIf } = channel.ui;
    const holds = whatIf && same(whatIf.of, study.training) && isMeasuredFor(whatIf.training, study);
    return { study, training: holds ? whatIf.training : study.training };
  }

  function change(changed: Partial<Training>): void {
    const found = at();
    if (found) keep({ of: found.study.training, training: { ...found.training, ...changed } });
  }

  function keep(whatIf: Channel['ui']['whatIf']): void {
    channel.keep({ whatIf });
    if (shown) update(shown);
  }

  /** Batches, optimizer and momentum move the curves, the learning rate doesn't. */
  function curvesOf(
    study: StabilityReport,
    { optimizer, momentum, batchSize }: Training,
  ): LearningRateCurves {
    const largestBatch = Math.max(study.samples, study.training.batchSize, batchSize);
    const identity = JSON.stringify([optimizer, momentum, largestBatch, study.timings, study.model]);
    if (curves?.key !== identity)
      curves = { key: identity, found: learningRateCurves(study, { optimizer, momentum }, largestBatch) };
    return curves.found;
  }

  function draw(found: Verdict, next: LearningRatePicture): void {
    picture = next;
    const { training } = next;
    chart.draw(
      learningRateConfig(() => picture ?? next),
      typesetNumbers(
        `Largest stable learning rate against batch size, both logarithmic; the tables list both. Marked: lr ${training.learningRate} with batches of ${training.batchSize}. ${found.message}`,
      ),
    );
  }

  function update(next: Shown): void {
    shown = next;
    const found = at();
    root.hidden = !found;
    if (!found) return;
    const { study, training } = found;
    const isTried = !same(study.training, training);
    again.update(next);
    progress.update(study, next.state.study !== undefined);
    settings.root.hidden = again.root.hidden;
    settings.enable(next.state.study === undefined);
    reset.enable(isTried);
    const judged = verdict(training, study);
    said.dataset.severity = judged.severity;
    fill(said, [judged, isTried], () => [
      icon(judged.severity === 'info' ? 'pass' : judged.severity),
      element(
        'span',
        {},
        element('strong', {}, `${verdictWord(judged)}${isTried ? ', if tried' : ''}:`),
        ` ${unbroken(typesetNumbers(judged.message))}`,
      ),
    ]);
    controls.set(study, training);
    fill(bounds.table, [study, training], () => boundsTable(study, training));
    fill(batches.table, [study, training], () => batchTable(study, training));
    fill(facts, [study, training], () =>
      [suggestionFacts(study, training), batchFacts(study, training), matrixFacts(study), outsideFacts(study)]
        .filter(Boolean)
        .map(text => element('li', {}, unbroken(text))),
    );
    draw(judged, { study, training, curves: curvesOf(study, training), theme: next.theme });
  }

  return { root, update };
}
