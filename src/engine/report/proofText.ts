import { formatBytes, formatEstimate, formatNumber, samplesText } from './format';
import { type MetricValue, metricTitles } from './metrics';
import { rhoText } from './metricsText';
import type { Proof } from './proof';
import { alignColumns } from './table';

/** A proof for a terminal: the allocations, how well each metric foretells, and what that amounts to. Ends in a newline. */
export function proofToText(proof: Proof): string {
  const { unchanged, allocations, verdicts, samples, skip, data, settings, model } = proof;
  const source = `${samplesText(samples)} of ${data.file ?? 'the data'}${skip > 0 ? ` after the first ${skip}` : ''}`;
  const accuracy = unchanged.accuracy ? `, accuracy ${percent(unchanged.accuracy.value)}` : '';
  return `${[
    `${model.file} on ${source}, which the analysis has not seen: loss (${settings.loss}) ${changeText(unchanged.loss)}${accuracy}.`,
    '',
    ...allocationLines(allocations),
    '',
    ...agreementLines(proof, 'deltaLoss', 'the measured change of the loss'),
    ...agreementLines(proof, 'divergence', 'the measured divergence from the unchanged model'),
    ...verdicts,
  ].join('\n')}\n`;
}

function allocationLines(allocations: Proof['allocations']): string[] {
  const hasAccuracy = allocations.some(a => a.accuracy !== undefined);
  const header = [
    ...['bits', 'size', 'per weight', 'loss', 'change'],
    ...(hasAccuracy ? ['accuracy', 'change'] : []),
    'divergence',
  ];
  const rows = allocations.map(a => [
    a.name,
    formatBytes(a.bytes),
    formatNumber(a.effectiveBits),
    formatNumber(a.loss),
    changeText(a.lossChange),
    ...(hasAccuracy
      ? [percent(a.accuracy ?? NaN), a.accuracyChange ? percentChange(a.accuracyChange) : '']
      : []),
    changeText(a.divergence),
  ]);
  return alignColumns([header, ...rows], column => column === 0);
}

function agreementLines(
  { agreement, resolvedBits }: Proof,
  measured: 'deltaLoss' | 'divergence',
  what: string,
): string[] {
  const found = agreement.filter(a => a.measured === measured);
  if (found.length === 0) return [];
  const rows = found.map(a => [
    metricTitles[a.metric],
    rhoText(a.all),
    intervalText(a.allInterval),
    rhoText(a.acrossLayers),
    intervalText(a.acrossLayersInterval),
    ...Object.values(a.byWidth).map(rhoText),
    rhoText(a.allocations),
  ]);
  const widths = Object.keys(found[0].byWidth);
  const header = [
    'metric',
    'all',
    '95 %',
    'equal width',
    '95 %',
    ...widths.map(b => `${b} bits`),
    'allocations',
  ];
  const over =
    measured === 'deltaLoss' && resolvedBits.length > 0
      ? `the mean over ${resolvedBits.join(', ')} bits, where the changes stand out of the noise`
      : 'the mean over the widths';
  return [
    `Rank correlation (Spearman) with ${what}: of single layers at all widths; of layers of equal width, ${over}; of the allocations.`,
    ...alignColumns([header, ...rows], column => column === 0),
    '',
  ];
}

const intervalText = (interval: { low: number; high: number } | undefined): string =>
  interval ? `${interval.low.toFixed(2)} … ${interval.high.toFixed(2)}` : '–';

const changeText = ({ value, stderr = 0 }: MetricValue): string =>
  formatEstimate({ estimate: value, stderr, exact: stderr === 0 });

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const percentChange = ({ value, stderr }: MetricValue): string =>
  `${(100 * value).toFixed(1)}${stderr === undefined ? '' : ` ± ${(100 * stderr).toFixed(1)}`}`;
