import type { CouplingReport } from './coupling';
import { relativeNorm, strongestPairs } from './couplingFigures';
import { formatEstimate, formatNumber, matrixNames, samplesText } from './format';
import { alignColumns } from './table';

/** So many layers fit into a matrix on a terminal; for more, the pairs that are coupled most are listed. */
const MOST_COLUMNS = 10;
const PAIRS = 20;

/** The coupling of layers for a terminal. Ends in a newline. */
export function couplingToText(report: CouplingReport): string {
  const { settings, model, samples, data, layers, shareOutside, additivity, device } = report;
  const source = data.source === 'file' ? (data.file ?? 'the data') : 'synthetic inputs';
  const share = { estimate: 100 * shareOutside.estimate, stderr: 100 * shareOutside.stderr, exact: false };
  return `${[
    `Norms ‖·‖F of the blocks of the ${matrixNames[settings.matrix]} of the ${settings.loss} loss of ${model.file} on ${samplesText(samples)} of ${source}.`,
    '',
    ...(layers.length <= MOST_COLUMNS ? wholeMatrix(report) : largestPairs(report)),
    '',
    `Outside of the diagonal blocks: ${formatEstimate(share)} % of ‖·‖F².`,
    additivity.message,
    `Ran on ${device}, ${report.probes ?? settings.probes} random vectors on each layer.`,
  ].join('\n')}\n`;
}

function wholeMatrix({ layers, norms }: CouplingReport): string[] {
  const header = ['', ...layers.map((_, m) => String(m + 1))];
  const rows = norms.map((row, l) => [
    `${l + 1} ${layers[l].name}`,
    ...row.map(({ estimate, stderr }) => formatEstimate({ estimate, stderr, exact: stderr === 0 })),
  ]);
  return alignColumns([header, ...rows], column => column === 0);
}

/** A pair's norm, and beside the geometric mean of both layers' own blocks. */
function largestPairs(report: CouplingReport): string[] {
  const { layers, norms } = report;
  const rows = strongestPairs(report, PAIRS).map(({ l, m }) => {
    const share = relativeNorm(report, l, m);
    return [
      layers[l].name,
      layers[m].name,
      formatEstimate({ ...norms[l][m], exact: norms[l][m].stderr === 0 }),
      share ? `${formatNumber(Number((100 * share.estimate).toPrecision(3)))} %` : '–',
    ];
  });
  return alignColumns([['layer', 'layer', 'norm', 'of their own'], ...rows], column => column < 2);
}
