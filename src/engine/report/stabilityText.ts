import { boundName, optimizerName } from '../training/optimizers';
import { verdictWord } from '../training/verdict';
import { formatBytes, formatEstimate, formatNumber, matrixNames, samplesText } from './format';
import { traceNote } from './spectrumText';
import type { BatchSizeReport, StabilityReport } from './stability';
import { alignColumns } from './table';
import type { RitzValue } from '../estimators/result';

/** The stability of training for a terminal. Ends in a newline. */
export function stabilityToText(report: StabilityReport): string {
  const { diagnostics, suggestion, settings, training } = report;
  const [verdict] = diagnostics;
  const lines = [
    titleOf(report),
    '',
    `${verdictWord(verdict)}: ${verdict.message}`,
    '',
    ...alignColumns(numberRows(report), column => column !== 1),
    '',
    ...boundLines(report),
    '',
    ...batchLines(report),
    '',
    `Fastest heavy ball for curvatures of ${formatNumber(suggestion.from)} to ${formatNumber(suggestion.to)}` +
      `${suggestion.share < 1 ? ` (${100 * suggestion.share} % of the positive curvature)` : ''}: ` +
      `lr ${formatNumber(suggestion.learningRate)}, momentum ${formatNumber(suggestion.momentum)}` +
      `${settings.isPreconditioned ? ', on the preconditioned loss' : ''}.`,
    `Surely stable with batches of ${training.batchSize}: lr up to ${formatNumber(report.band.sufficient)}.`,
    `Ran on ${report.device}, in at most ${formatBytes(report.memory.predictedBytes)} of memory as predicted.`,
  ];
  return `${lines.join('\n')}\n`;
}

function titleOf({ model, training, samples, data, settings }: StabilityReport): string {
  const source = data.source === 'file' ? (data.file ?? 'the data') : 'synthetic inputs';
  return (
    `Training ${model.file} with ${optimizerName(training)}, learning rate ${training.learningRate}, batches of ${training.batchSize}; ` +
    `${matrixName(settings)} of the ${settings.loss} loss on ${samplesText(samples)} of ${source}.`
  );
}

const matrixName = ({ matrix, isPreconditioned }: StabilityReport['settings']): string =>
  `${isPreconditioned ? 'preconditioned ' : ''}${matrixNames[matrix]}`;

const numberRows = ({ largest, smallest, trace, criticalBatchSize }: StabilityReport): string[][] => [
  ['λmax', formatNumber(largest.value), residual(largest)],
  ['λmin', formatNumber(smallest.value), residual(smallest)],
  ['trace', formatEstimate(trace), traceNote(trace)],
  [
    'critical batch',
    formatNumber(criticalBatchSize),
    'trace/λmax: larger batches allow hardly larger learning rates',
  ],
];

const residual = ({ converged, residual: r }: RitzValue): string =>
  `${converged ? '' : 'not converged, '}residual ${r.toExponential(0)}`;

function boundLines({ bounds, training }: StabilityReport): string[] {
  const rows = bounds.map(b => [
    boundName(b),
    formatNumber(b.largestCurvature),
    b.learningRate === null ? '' : formatNumber(b.learningRate),
  ]);
  const lines = alignColumns(
    [['full batch', `λmax at lr ${training.learningRate}`, 'lr at most'], ...rows],
    column => column === 0,
  );
  return bounds.some(b => b.learningRate === null)
    ? [
        ...lines,
        training.optimizer === 'adam'
          ? 'Bounds but for Adam are on the λmax of the plain Hessian.'
          : "Adam's is on the λmax of the Hessian divided by its steps; --optimizer adam measures it.",
      ]
    : lines;
}

function batchLines({ batchSizes }: StabilityReport): string[] {
  const header = ['batch', 'λmax', 'formula', 'lr at most', 'formula', 'stable below', 'unstable above'];
  const rows = batchSizes.map(b => [
    String(b.batchSize),
    formatEstimate({ estimate: b.largest.mean, stderr: b.largest.stderr, exact: false }),
    doubted(b, formatNumber(b.formula)),
    rateText(b.learningRate.measured),
    doubted(b, rateText(b.learningRate.formula)),
    formatNumber(b.band.sufficient),
    formatNumber(b.band.necessary),
  ]);
  const lines = alignColumns([header, ...rows], () => false);
  return batchSizes.some(isOutside) ? [...lines, OUTSIDE] : lines;
}

const OUTSIDE =
  '(…): outside of the formula’s range, where the noise of the batches along the top eigenvector is more than half of the gap under λmax.';
const isOutside = ({ formulaHolds }: BatchSizeReport): boolean => formulaHolds === false;
const doubted = (size: BatchSizeReport, text: string): string => (isOutside(size) ? `(${text})` : text);

const rateText = (rate: number | null): string => (rate === null ? 'any' : formatNumber(rate));
