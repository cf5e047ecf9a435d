import type { BatchSizeReport, StabilityReport } from '../../src/engine/report/stability';
import {
  boundName,
  type FullBatchBound,
  fullBatchBounds,
  stableProduct,
  type Training,
} from '../../src/engine/training/optimizers';
import { bandFor, largestError } from '../../src/engine/training/verdict';
import { type Child, element, icon } from '../shared/element';
import { typesetNumber, typesetNumbers, withError } from '../shared/format';
import { isOutside } from './learningRateCurves';

type Cell = string | HTMLElement;

const header = (texts: readonly string[]): HTMLElement =>
  element(
    'tr',
    {},
    ...texts.map((text, i) => element('th', { scope: 'col', ...(i ? { class: 'number' } : {}) }, text)),
  );

const row = ([name, ...cells]: readonly [string, ...Cell[]]): HTMLElement =>
  element(
    'tr',
    {},
    element('th', { scope: 'row' }, name),
    ...cells.map(cell => (typeof cell === 'string' ? element('td', { class: 'number' }, cell) : cell)),
  );

const parts = (head: HTMLElement, rows: readonly HTMLElement[]): Child[] => [
  element('thead', {}, head),
  element('tbody', {}, ...rows),
];

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** What each optimizer allows with the full batch. */
export function boundsTable(study: StabilityReport, training: Training): Child[] {
  const { value } = study.largest;
  const judged = ({ learningRate, largestCurvature }: FullBatchBound): Cell => {
    if (learningRate === null) return element('td', { class: 'none' }, 'another matrix');
    const isStable = value <= largestCurvature;
    return element(
      'td',
      { class: isStable ? 'good' : 'doubtful' },
      icon(isStable ? 'check' : 'warning'),
      isStable ? 'stable' : 'unstable',
    );
  };
  const rows = fullBatchBounds(training, value).map(bound =>
    row([
      capital(boundName(bound)),
      typesetNumber(bound.largestCurvature),
      bound.learningRate === null ? '–' : typesetNumber(bound.learningRate),
      judged(bound),
    ]),
  );
  const head = header(['Full batch', `λmax at most`, 'lr at most']);
  head.append(element('th', { scope: 'col' }, typesetNumbers(`At lr ${training.learningRate}`)));
  return parts(head, rows);
}

/** In brackets, as in the text for terminals, where the noise of the batches is too large for the formula. */
const doubted = (batch: BatchSizeReport, text: string): string => (isOutside(batch) ? `(${text})` : text);

/** What batches of each size allow; the last row is all samples. */
export function batchTable(study: StabilityReport, training: Training): Child[] {
  const { largest, samples, batchSizes } = study;
  const most = stableProduct(training.optimizer, training.momentum);
  const rate = (lambda: number): string => (lambda > 0 ? typesetNumber(most / lambda) : 'any');
  const bandCells = (batchSize: number): [string, string] => {
    const { sufficient, necessary } = bandFor({ ...training, batchSize }, study);
    return [typesetNumber(sufficient), typesetNumber(necessary)];
  };
  const rows = batchSizes.map(batch =>
    row([
      String(batch.batchSize),
      withError(batch.largest.mean, batch.largest.stderr),
      typesetNumber(batch.largest.most),
      doubted(batch, typesetNumber(batch.formula)),
      rate(batch.largest.mean),
      doubted(batch, rate(batch.formula)),
      ...bandCells(batch.batchSize),
    ]),
  );
  const whole = withError(largest.value, largestError(study));
  const all = typesetNumber(largest.value);
  const last = row([
    `all ${samples}`,
    ...[whole, all, all, rate(largest.value), rate(largest.value)],
    ...bandCells(samples),
  ]);
  const titles = ['λmax', 'largest', 'formula', 'lr at most', 'formula', 'stable below', 'unstable above'];
  return parts(header(['Batch', ...titles]), [...rows, last]);
}
