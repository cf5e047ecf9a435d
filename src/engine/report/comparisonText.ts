import { type LayerComparison, NOTABLE, type ReportComparison, type ReportSide } from './compareReports';
import type { ComparedSide, ComparisonSoFar } from './comparison';
import { formatBytes, formatEstimate, formatNumber, matrixNames, samplesText } from './format';
import { alignColumns } from './table';

/** Two reports side by side for a terminal. Ends in a newline. */
export function reportComparisonToText(comparison: ReportComparison): string {
  const { matrix, a, b, subject, layers, onlyInA, onlyInB, notes } = comparison;
  const header = ['layer', 'trace A', 'trace B', 'B − A', 'B / A', 'z', 'rank', 'bits'];
  const rows = layers.map(layer => [
    layer.name,
    formatEstimate({ ...layer.a, exact: layer.a.stderr === 0 }),
    formatEstimate({ ...layer.b, exact: layer.b.stderr === 0 }),
    formatNumber(layer.difference),
    ratioText(layer),
    zText(layer),
    layer.rank.a === layer.rank.b ? String(layer.rank.a) : `${layer.rank.a} → ${layer.rank.b}`,
    bitsText(layer),
  ]);
  const changed = layers.filter(l => l.bits.a !== l.bits.b);
  return `${[
    `Traces of the ${matrixNames[matrix]} per layer. ${subject}`,
    `A: ${reportText(a)}`,
    `B: ${reportText(b)}`,
    '',
    ...alignColumns([header, ...rows], column => column === 0),
    '',
    `Traces that differ by more than ${NOTABLE} standard errors, or than rounding where both are exact (*): ` +
      `${layers.filter(l => l.differs).length} of ${layers.length}. ` +
      `Suggested bits that change: ${changed.length === 0 ? 'none' : changed.map(l => `${l.name} ${bitsText(l)}`).join(', ')}.`,
    ...(onlyInA.length > 0 ? [`Only in A: ${onlyInA.join(', ')}.`] : []),
    ...(onlyInB.length > 0 ? [`Only in B: ${onlyInB.join(', ')}.`] : []),
    ...notes,
  ].join('\n')}\n`;
}

const reportText = ({ model, data, loss, trace, suggestion }: ReportSide): string =>
  [
    `${model.file} on ${data.file ?? 'synthetic inputs'}`,
    `loss ${loss === null ? 'unknown' : formatNumber(loss)}`,
    `sum of traces ${formatNumber(trace.estimate)}${trace.stderrAtMost > 0 ? ` ± ${Number(trace.stderrAtMost.toPrecision(2))} at most` : ''}`,
    ...(suggestion
      ? [
          `suggested bits take ${formatBytes(suggestion.bytes)}, ½ ΣΩ ${formatNumber(suggestion.sensitivity / 2)}`,
        ]
      : []),
  ].join(', ');

/** `1.42 (1.31–1.55)`: a 95 % interval, or the bare number of two exact traces. */
function ratioText({ ratio, z }: LayerComparison): string {
  if (!ratio) return '–';
  const [estimate, low, high] = [ratio.estimate, ratio.low, ratio.high].map(x =>
    formatNumber(Number(x.toPrecision(3))),
  );
  return z === null ? estimate : `${estimate} (${low} to ${high})`;
}

const zText = ({ z, differs }: LayerComparison): string =>
  `${z === null ? 'exact' : z.toFixed(1)}${differs ? '*' : ' '}`;

function bitsText({ bits }: LayerComparison): string {
  const [a, b] = [bits.a ?? '–', bits.b ?? '–'];
  return a === b ? String(a) : `${a} → ${b}`;
}

/** Two Hessians side by side for a terminal, or what is known of them. Ends in a newline. */
export function hessianComparisonToText(comparison: ComparisonSoFar): string {
  const { settings, parameters, size, a, b } = comparison;
  return `${[
    `${matrixNames[settings.matrix].replace(/^./, c => c.toUpperCase())} of the ${settings.loss} loss over ${parameters.join(', ')} (${size} parameters).`,
    `A: ${sideText(a)}`,
    `B: ${sideText(b)}`,
    '',
    ...differenceLines(comparison),
    ...alignmentLines(comparison),
  ].join('\n')}\n`;
}

function differenceLines({ a, difference }: ComparisonSoFar): string[] {
  if (!difference) return [];
  const share = (100 * Math.abs(difference.value)) / Math.abs(a.eigenvalues[0].value);
  return [
    `Spectral norm of the difference B − A: ${formatNumber(Math.abs(difference.value))}, ` +
      `${formatNumber(Number(share.toPrecision(3)))} % of A's λmax; ` +
      `${difference.converged ? `residual ${difference.residual.toExponential(0)}` : 'not converged'}.`,
  ];
}

function alignmentLines({ angles, overlap, gradientCosine, productCosine }: ComparisonSoFar): string[] {
  if (!angles || overlap === undefined || gradientCosine === undefined || productCosine === undefined)
    return [];
  const degrees = (radians: number): string =>
    formatNumber(Number(((180 / Math.PI) * radians).toPrecision(3)));
  return [
    `Spaces of the ${angles.length} largest eigenvalues: overlap ${formatNumber(overlap)} (1 for the same), angles ${angles.map(degrees).join(', ')} degrees.`,
    `Cosine of the gradients ${formatNumber(gradientCosine)}, of the Hessian-gradient products ${formatNumber(productCosine)}.`,
  ];
}

const sideText = ({ model, data, samples, eigenvalues }: ComparedSide): string =>
  `${model.file} on ${samplesText(samples)} of ${data.file ?? 'synthetic inputs'}; ` +
  `largest eigenvalues ${eigenvalues.map(({ value, converged }) => `${formatNumber(value)}${converged ? '' : '?'}`).join(', ') || 'not measured yet'}`;
