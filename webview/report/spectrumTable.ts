import type { Eigenvalue } from '../../src/engine/report/schema';
import type { Density, TraceReport } from '../../src/engine/report/spectrum';
import { isSumApart, steadier } from '../../src/engine/report/traceAgainstSum';
import { element } from '../shared/element';
import { formatCount, formatPercent, plural, typesetNumber, withError } from '../shared/format';
import { condition, eigenvalueError, inPercent, type SpectrumFigures } from './spectrumFigures';
import { estimateText, intervalOf, intervalText, percentText } from './spectrumWords';

type Row = readonly [name: string, value: string, note: string];

const convergence = ({ converged }: Eigenvalue, bound: string): string =>
  converged ? 'converged' : `not converged: ${bound}`;

/** The numbers of a spectrum, each with its error, and what there is to know of it. */
export function spectrumRows(figures: SpectrumFigures): Row[] {
  const { density, report, apart, isExact } = figures;
  const { largest, smallest, outliers, quadratures, wasserstein } = density;
  const eigenvalueText = (found: Eigenvalue): string =>
    withError(found.value, eigenvalueError(figures, found));
  const isIndefinite = report.settings.matrix === 'hessian' && smallest.value < 0 && largest.value > 0;
  const relative = Math.max(
    ...[largest, smallest].map(one => eigenvalueError(figures, one) / Math.abs(one.value)),
  );
  const ratio = largest.value / Math.abs(smallest.value);
  const { trace } = report;
  const most = condition(figures);
  const isZero = figures.median <= figures.rounding;
  return [
    ['λmax', eigenvalueText(largest), convergence(largest, 'a lower bound')],
    ['λmin', eigenvalueText(smallest), convergence(smallest, 'an upper bound')],
    ...(isIndefinite
      ? [['λmax / |λmin|', withError(ratio, ratio * relative), 'steepest up against steepest down'] as const]
      : []),
    [
      'Condition',
      `${most.isBound ? '≥ ' : ''}${withError(most.ratio, most.error)}`,
      isExact ? 'largest over smallest |λ|' : 'largest over median |λ|; the smallest are not resolved',
    ],
    [
      'Outliers',
      formatCount(apart.count),
      `apart above the bulk, of ${plural(outliers.length, 'eigenvalue')} known by themselves`,
    ],
    [
      'Negative share',
      percentText(density.negativeMass),
      `${signNote(figures)}; ${intervalOf(inPercent(density.negativeMass))}`,
    ],
    [
      'Effective rank',
      estimateText(density.effectiveRank),
      `(Σ|λ|)²/Σλ², of ${formatCount(report.size)}; ${intervalOf(density.effectiveRank)}`,
    ],
    [
      'Median |λ|',
      `≤ ${typesetNumber(Math.max(figures.median, figures.rounding))}`,
      isZero ? 'zero to the rounding of float32' : 'half of all eigenvalues are no larger',
    ],
    ...(trace
      ? [['Trace', withError(trace.estimate, trace.stderr), traceNote(trace, density)] as const]
      : []),
    [
      '‖·‖F',
      estimateText(density.frobeniusNorm),
      `${quadratures.length} start vectors of ${report.settings.steps} products; ${intervalOf(density.frobeniusNorm)}`,
    ],
    [
      'Distance',
      `≤ ${typesetNumber(wasserstein.bound)}`,
      `from the exact spectrum (Wasserstein, ${formatPercent(1 - wasserstein.failure)})`,
    ],
  ];
}

/** Where the trace comes from, and what the density makes of it. */
function traceNote(trace: TraceReport, density: Density): string {
  const { method, products, exact } = trace;
  const apart = isSumApart(trace, density)
    ? `, further apart than 19 of 20 such pairs are: go by the ${steadier(trace, density) === 'trace' ? 'first' : 'second'}, of smaller error`
    : '';
  return [
    `${method}, ${products} ${method === 'gradients' ? 'gradients' : 'products'}`,
    ...(exact ? [] : [intervalText(trace.interval)]),
    `by this density ${estimateText(density.sum)}${apart}`,
  ].join('; ');
}

const signNote = ({ report: { settings }, hasNegative }: SpectrumFigures): string =>
  settings.matrix !== 'hessian'
    ? 'of Σ|λ|: this matrix has none'
    : hasNegative
      ? 'of Σ|λ|'
      : 'of Σ|λ|: within its error';

export const spectrumRow = ([name, value, note]: Row): HTMLElement =>
  element(
    'tr',
    {},
    element('th', { scope: 'row' }, name),
    element('td', { class: 'number' }, value),
    element('td', { class: 'note' }, note),
  );
