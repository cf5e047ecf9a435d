import {
  formatBytes,
  formatEstimate,
  formatNumber,
  intervalDigits,
  matrixNames,
  samplesText,
} from './format';
import { histogram } from './histogram';
import type { Density, SpectrumReport, TraceReport } from './spectrum';
import { alignColumns } from './table';
import type { RitzValue } from '../estimators/result';
import { intervalAboveZero, type ProbeEstimate } from '../estimators/spectrum';

const BINS = 20;
const LONGEST_BAR = 36;
/** So many eigenvalues are listed behind the first. */
const SHOWN = 5;

/** A spectrum for a terminal: its numbers, and a histogram of it. Ends in a newline. */
export function spectrumToText(report: SpectrumReport): string {
  const { trace, density, crossCheck } = report;
  const numbers = [
    ...(density ? extremeRows(density) : []),
    ...(crossCheck ? [['power iteration', formatNumber(crossCheck.value), ritzNote(crossCheck)]] : []),
    ...(trace ? [['trace', formatEstimate(trace), traceNote(trace)]] : []),
    ...(density ? sumRows(density, report.size) : []),
  ];
  const lines = [
    titleOf(report),
    '',
    ...(numbers.length > 0 ? alignColumns(numbers, column => column !== 1) : ['Nothing was measured.']),
    ...(density ? ['', ...histogramLines(density, report.size), '', densityNote(report, density)] : []),
    `Ran on ${report.device}, in at most ${formatBytes(report.memory.predictedBytes)} of memory as predicted.`,
  ];
  return `${lines.join('\n')}\n`;
}

function titleOf({ settings, size, samples, data, model }: SpectrumReport): string {
  const over = settings.isWhole ? 'all' : settings.parameters.join(', ');
  const source = data.source === 'file' ? (data.file ?? 'the data') : 'synthetic inputs';
  return (
    `${matrixNames[settings.matrix].replace(/^./, c => c.toUpperCase())} of the ${settings.loss} loss of ${model.file} on ${samplesText(samples)} of ${source}, ` +
    `over ${settings.isWhole ? `all ${size} parameters` : `${over} (${size} parameters)`}.`
  );
}

const extremeRows = ({ largest, smallest, outliers }: Density): string[][] => [
  ['λmax', formatNumber(largest.value), ritzNote(largest)],
  ['λmin', formatNumber(smallest.value), ritzNote(smallest)],
  ...(outliers.length > 1 ? [['next', ...nextOnes(outliers)]] : []),
];

/** The eigenvalues of largest magnitude behind the first one. */
function nextOnes([, ...rest]: readonly RitzValue[]): string[] {
  const [second, ...more] = rest.slice(0, SHOWN).map(({ value }) => formatNumber(value));
  return [second, [...more, ...(rest.length > SHOWN ? ['…'] : [])].join(', ')];
}

const ritzNote = ({ converged, residual }: RitzValue): string =>
  converged
    ? `residual ${residual.toExponential(0)}`
    : `not converged, residual ${Number((100 * residual).toPrecision(2))} %`;

/** Where a trace comes from, and its interval. */
export const traceNote = ({ method, products, interval, exact, samples }: TraceReport): string =>
  method === 'gradients'
    ? `exact, from ${products} gradients`
    : exact
      ? `${method}, ${products} products`
      : `${method}, ${products} products; ${intervalText(interval)} (t, ${samples} vectors)`;

function intervalText(interval: readonly [number, number]): string {
  const [low, high] = interval.map(end => formatNumber(end, intervalDigits(interval)));
  return `95 %: ${low} to ${high}`;
}

const sumRows = ({ frobeniusNorm, negativeMass, effectiveRank }: Density, size: number): string[][] => [
  sumRow('‖·‖F', frobeniusNorm),
  sumRow('negative', scaled(negativeMass, 100), '% of Σ|λ|'),
  sumRow('effective rank', effectiveRank, `of ${size}`),
];

function sumRow(name: string, found: ProbeEstimate, unit?: string): string[] {
  const exact = found.stderr === 0;
  const error = exact ? [] : [`${intervalText(intervalAboveZero(found))} (t, ${found.samples} vectors)`];
  return [name, formatEstimate({ ...found, exact }), [...(unit ? [unit] : []), ...error].join('; ')];
}

const scaled = ({ estimate, stderr, samples }: ProbeEstimate, by: number): ProbeEstimate => ({
  estimate: by * estimate,
  stderr: by * stderr,
  samples,
});

/** Bars are as long as the logarithm of the counts: a few eigenvalues matter beside thousands about zero. */
function histogramLines({ quadratures }: Density, size: number): string[] {
  const bins = histogram(quadratures, size, BINS);
  const most = Math.max(...bins.map(b => b.count));
  const bar = (count: number): string =>
    '█'.repeat(Math.round((LONGEST_BAR * Math.log1p(count)) / Math.log1p(most)));
  const rows = bins.map(({ from, to, count }) => [
    formatNumber(Number(from.toPrecision(3))),
    formatNumber(Number(to.toPrecision(3))),
    count === 0 ? '' : count >= 100 ? String(Math.round(count)) : String(Number(count.toPrecision(2))),
    bar(count),
  ]);
  return alignColumns([['from', 'to', 'count', '(log scale)'], ...rows], column => column === 3);
}

function densityNote(
  { settings: { steps } }: SpectrumReport,
  { quadratures, outliers, wasserstein }: Density,
): string {
  const { bound, failure } = wasserstein;
  return (
    `From ${quadratures.length} start vectors of ${steps} products each, beside ${outliers.length} eigenvalues found by themselves. ` +
    `Eigenvalues are off by ${formatNumber(bound)} at most in the mean (a-priori bound on the Wasserstein distance, ${100 * (1 - failure)} %).`
  );
}
