import { matrixNames } from '../../src/engine/report/format';
import type { ProbeEstimate } from '../../src/engine/estimators/spectrum';
import type { SpectrumReport } from '../../src/engine/report/spectrum';
import { formatCount, plural, typesetNumber } from '../shared/format';
import { eigenvalueError, type SpectrumFigures } from './spectrumFigures';

/** Where half of the eigenvalues are below this share of λmax, most directions count as flat. */
const FLAT = 0.01;

export const withError = (value: number, error: number): string =>
  error > 0 ? `${typesetNumber(value, 4)} ± ${typesetNumber(error, 2)}` : typesetNumber(value, 4);

export const percentWithError = ({ estimate, stderr }: ProbeEstimate): string =>
  `${withError(100 * estimate, 100 * stderr)}\u00a0%`;

export const estimateText = ({ estimate, stderr }: ProbeEstimate): string => withError(estimate, stderr);

/** `Hessian, all parameters`, `Gauss–Newton matrix, conv1.weight`. */
export function spectrumName({ settings: { matrix, parameters, isWhole } }: SpectrumReport): string {
  const [first = '', ...others] = parameters;
  const over = isWhole ? 'all parameters' : others.length ? `${first} and ${others.length} more` : first;
  const name = matrixNames[matrix];
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}, ${over}`;
}

/** What a spectrum means for its model, one sentence or two for each of outliers, sign and rank. */
export const spectrumWords = (figures: SpectrumFigures): string[] =>
  [outlierWords(figures), signWords(figures), rankWords(figures)].filter(Boolean);

function outlierWords(figures: SpectrumFigures): string {
  const { apart, apartShare, report, density } = figures;
  const expected = expectation(figures);
  if (!apart.gap) {
    const known = report.classes !== undefined && report.classes - 1 > apart.most;
    const among = known ? ` among the ${density.outliers.length} that are known by themselves` : '';
    return `No clear gap${among} sets eigenvalues apart from the bulk.${expected}`;
  }
  const [above, below] = apart.gap.map(value => typesetNumber(value));
  const verb = apart.count === 1 ? 'stands' : 'stand';
  return `${plural(apart.count, 'eigenvalue')} ${verb} apart above the bulk, down to ${above} where the next is ${below}, with ${percentWithError(apartShare)} of Σλ².${expected}`;
}

/** Of all parameters only: of single layers there is no such observation. */
function expectation({ apart, report: { classes, settings } }: SpectrumFigures): string {
  if (classes === undefined || !settings.isWhole) return '';
  const expected = classes - 1;
  return apart.count === expected
    ? ` Sagun et al. saw as many in trained classifiers: one fewer than classes, here ${formatCount(classes)}.`
    : ` Of a trained classifier with ${formatCount(classes)} classes about ${formatCount(expected)} are expected (Sagun et al.: one fewer than classes).`;
}

function signWords({ density, report, hasNegative }: SpectrumFigures): string {
  const { matrix, isWhole } = report.settings;
  if (matrix !== 'hessian') return '';
  const { smallest, negativeMass } = density;
  const lowest = `λmin = ${typesetNumber(smallest.value)}`;
  if (hasNegative) {
    const where = isWhole ? 'the weights' : 'these weights';
    return `${percentWithError(negativeMass)} of the curvature Σ|λ| is negative, down to ${lowest}: ${where} are at no minimum of this loss on these data, and Hessian traces cancel what bends down against what bends up.`;
  }
  if (smallest.converged && smallest.value < -eigenvalueError(smallest))
    return `The negative share of the curvature, ${percentWithError(negativeMass)}, is within its error; ${lowest} is known by itself.`;
  return 'No direction was seen that bends downwards: the weights may be at a minimum of this loss on these data.';
}

function rankWords({ density, report, median, high }: SpectrumFigures): string {
  const { effectiveRank } = density;
  const rank = `The curvature is that of ${estimateText(effectiveRank)} equally curved directions of ${formatCount(report.size)} (effective rank).`;
  if (!(high > 0) || median.estimate > FLAT * high) return rank;
  const share =
    median.estimate > 0
      ? `, 1/${formatCount(Math.round(Number((high / median.estimate).toPrecision(2))))} of λmax`
      : '';
  return `${rank} Half of all eigenvalues are within ±${estimateText(median)}${share}: rounding errors along such directions cost next to nothing, and the few steep ones decide.`;
}
