import type { CouplingReport, WithError } from '../../src/engine/report/coupling';
import { blockShares, relativeNorm } from '../../src/engine/report/couplingFigures';
import { matrixNames } from '../../src/engine/report/format';
import type { Report } from '../../src/engine/report/schema';
import { type Child, element, icon } from '../shared/element';
import { plural, typesetNumber, typesetNumbers, withError } from '../shared/format';
import { networkOrder } from './networkOrder';

/** Value and error as cells have them one above the other, so that the name of a cell holds what is seen. */
export const normText = ({ estimate, stderr }: WithError): string =>
  stderr > 0 ? withError(estimate, stderr) : typesetNumber(estimate);

export const inPercent = ({ estimate, stderr }: WithError): WithError => ({
  estimate: 100 * estimate,
  stderr: 100 * stderr,
});

export const percent = (share: WithError): string => `${normText(inPercent(share))}\u00a0%`;

const advice: Readonly<Record<CouplingReport['additivity']['verdict'], string>> = {
  additive: 'Predicted sums and the budget need no correction for it.',
  'roughly-additive': 'Read predicted sums as rough, and measure the suggestion (prove) where it matters.',
  'not-additive': 'Predicted sums may be far off: measure the suggestion (prove) before relying on it.',
};

/** The verdict, what it rests on, and what to do. */
export function verdict({ additivity, shareOutside, settings }: CouplingReport): Child[] {
  const isFine = additivity.verdict === 'additive';
  const [head, ...reasons] = typesetNumbers(additivity.message).split(': ');
  return [
    element('span', { class: isFine ? 'good' : 'doubtful' }, icon(isFine ? 'check' : 'warning')),
    element('strong', {}, `${head}:`),
    ` ${reasons.join(': ')} ${percent(shareOutside)} of ‖·‖² of the ${matrixNames[settings.matrix]} lie outside of the diagonal blocks. ${advice[additivity.verdict]}`,
  ];
}

export interface Figures {
  readonly report: CouplingReport;
  readonly relative: readonly (readonly (WithError | undefined)[])[];
  readonly shares: readonly (readonly WithError[])[];
}

/** All figures, with the layers as they follow each other in the network, so that neighbours stand side by side. */
export function figuresOf(unordered: CouplingReport, network: Report): Figures {
  const report = ordered(unordered, network);
  return {
    report,
    relative: report.norms.map((row, l) => row.map((_, m) => relativeNorm(report, l, m))),
    shares: blockShares(report),
  };
}

function ordered(report: CouplingReport, { layers }: Report): CouplingReport {
  const order = networkOrder(report.layers, layers);
  return {
    ...report,
    layers: order.map(l => report.layers[l]),
    norms: order.map(l => order.map(m => report.norms[l][m])),
    traces: order.map(l => report.traces[l]),
  };
}

/** All that is known of a cell. */
export function words({ report, relative, shares }: Figures, l: number, m: number): string {
  const { layers, norms } = report;
  const share = `${percent(shares[l][m])} of the whole ‖·‖²`;
  if (l === m) return `${layers[l].name} alone: norm ${normText(norms[l][m])}, ${share}`;
  const beside = relative[l][m];
  const own = beside
    ? `${percent(beside)} of the mean of their own blocks`
    : 'one of them has no curvature of its own';
  return `${layers[l].name} and ${layers[m].name}: norm ${normText(norms[l][m])}, ${own}, ${share}`;
}

/** What the errors are of. */
export const basis = ({ settings, samples, probes = settings.probes }: CouplingReport): string =>
  `On ${plural(samples, 'sample')}, ${plural(probes, 'random vector')} on each layer; ± is their standard error, for relative norms at most.`;
