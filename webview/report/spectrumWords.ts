import { intervalDigits, matrixNames } from '../../src/engine/report/format';
import { intervalAboveZero, type ProbeEstimate } from '../../src/engine/estimators/spectrum';
import type { SpectrumReport } from '../../src/engine/report/spectrum';
import { formatCount, plural, typesetNumber, withError } from '../shared/format';
import { eigenvalueError, inPercent, type SpectrumFigures, withRounding } from './spectrumFigures';

/** Where half of the eigenvalues are below this share of λmax, most directions count as flat. */
const FLAT = 0.01;

export const estimateText = (found: ProbeEstimate): string => {
  const { estimate, stderr } = withRounding(found);
  return withError(estimate, stderr);
};

/** `95 %: 13.7 to 15.8`. */
export function intervalText(interval: readonly [number, number]): string {
  const [low, high] = interval.map(end => typesetNumber(end, intervalDigits(interval)));
  return `95\u00a0%: ${low} to ${high}`;
}

/** By Student's t, with the rounding of products. */
export const intervalOf = (found: ProbeEstimate): string =>
  intervalText(intervalAboveZero(withRounding(found)));

/** Of a share of one. */
export const percentText = (share: ProbeEstimate): string => `${estimateText(inPercent(share))}\u00a0%`;

/** `Hessian, all parameters`, `Gauss–Newton matrix, conv1.weight`. */
export function spectrumName({ settings: { matrix, parameters, isWhole } }: SpectrumReport): string {
  const [first = '', ...others] = parameters;
  const over = isWhole ? 'all parameters' : others.length ? `${first} and ${others.length} more` : first;
  return `${capital(matrixNames[matrix])}, ${over}`;
}

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

export interface Finding {
  readonly lead: string;
  readonly rest: string;
}

export const findingText = ({ lead, rest }: Finding): string => `${lead}${rest}`;

/** What a spectrum means for its model: outliers, sign, rank. */
export const spectrumFindings = (figures: SpectrumFigures): Finding[] => [
  outlierFinding(figures),
  ...signFinding(figures),
  rankFinding(figures),
];

function outlierFinding(figures: SpectrumFigures): Finding {
  const { apart, apartShare, report, density } = figures;
  const expected = expectation(figures);
  if (!apart.gap) {
    const isBeyond = expected !== '' && (report.classes ?? 0) - 1 > apart.most;
    const among = isBeyond ? ` among the ${density.outliers.length} that are known by themselves` : '';
    return { lead: 'No clear gap sets eigenvalues apart from the bulk', rest: `${among}.${expected}` };
  }
  const [above, below] = apart.gap.map(value => typesetNumber(value));
  return {
    lead: `${plural(apart.count, 'eigenvalue')} ${apart.count === 1 ? 'stands' : 'stand'} apart above the bulk`,
    rest: `, down to ${above} where the next is ${below}, with ${percentText(apartShare)} of Σλ².${expected}`,
  };
}

/** For all parameters only: of single layers there is no such observation. */
function expectation({ apart, report: { classes, settings } }: SpectrumFigures): string {
  if (classes === undefined || !settings.isWhole) return '';
  const expected = formatCount(classes - 1);
  return apart.count === classes - 1
    ? ` As many are expected of a trained classifier with ${formatCount(classes)} classes (Sagun et al.: one fewer than classes).`
    : ` Of a trained classifier with ${formatCount(classes)} classes about ${expected} ${classes === 2 ? 'is' : 'are'} expected (Sagun et al.: one fewer than classes).`;
}

/** The other matrices have no negative eigenvalues. */
function signFinding(figures: SpectrumFigures): Finding[] {
  const { density, report, hasNegative } = figures;
  const { matrix, isWhole } = report.settings;
  if (matrix !== 'hessian') return [];
  const { smallest, negativeMass } = density;
  const lowest = `λmin = ${typesetNumber(smallest.value)}`;
  const share = percentText(negativeMass);
  if (hasNegative) {
    const them = isWhole ? 'the weights' : 'these weights';
    return [
      {
        lead: `${share} of the curvature is negative`,
        rest: ` (of Σ|λ|), down to ${lowest}: ${them} are at no minimum of this loss on these data, and training them on could lower it. In traces of the Hessian both signs cancel; those of the Gauss–Newton matrix have one.`,
      },
    ];
  }
  return smallest.value < -eigenvalueError(figures, smallest)
    ? [
        {
          lead: 'Hardly any curvature is negative',
          rest: `: ${share} of Σ|λ|, which is within its error, though ${lowest}.`,
        },
      ]
    : [
        {
          lead: 'No direction was seen that bends downwards',
          rest: ': as far as curvature tells, this can be a minimum of the loss on these data.',
        },
      ];
}

function rankFinding({ density, report, median, high, rounding }: SpectrumFigures): Finding {
  const lead = `Effective rank ${estimateText(density.effectiveRank)} of ${formatCount(report.size)}`;
  const rest = ': the curvature is that of so many equally steep directions.';
  if (!(high > 0) || median > FLAT * high) return { lead, rest };
  const half =
    median <= rounding
      ? 'are zero to the rounding of float32'
      : `are no larger than ${typesetNumber(median)}, 1/${formatCount(Number((high / median).toPrecision(2)))} of λmax`;
  return {
    lead,
    rest: `${rest} At least half of all eigenvalues ${half}: rounding errors along these directions cost next to nothing, and the few steep ones decide.`,
  };
}
