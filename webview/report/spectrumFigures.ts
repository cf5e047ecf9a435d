import {
  type Apart,
  medianBound,
  standingApart,
  withoutOutliers,
} from '../../src/engine/estimators/outliers';
import { frobeniusNorm, overProbes, type ProbeEstimate } from '../../src/engine/estimators/spectrum';
import type { Density, SpectrumReport } from '../../src/engine/report/spectrum';
import { interval95 } from '../../src/engine/util/studentT';

/** The noise of float32 products, beside their length. */
const ROUNDING = 1e-6;

/** What is read off one spectrum for its picture, table and text. */
export interface SpectrumFigures {
  readonly report: SpectrumReport;
  readonly density: Density;
  /** λmin and λmax. */
  readonly low: number;
  readonly high: number;
  /** Outliers above the bulk. */
  readonly apart: Apart;
  /** Their share of Σλ². */
  readonly apartShare: ProbeEstimate;
  /** The median of |λ| is no larger. */
  readonly median: number;
  /** Below this magnitude eigenvalues are zero to the rounding of products. */
  readonly rounding: number;
  /** √ of the mean λ² of what is left without the outliers. */
  readonly spread: number;
  /** The width that the density has at first: the mean distance between the nodes of what is left. */
  readonly width: number;
  /** Whether start vectors ran out of directions, so that the nodes are all eigenvalues. */
  readonly isExact: boolean;
  /** Only the Hessian can bend downwards; in the other matrices, what is below zero is rounding. */
  readonly hasNegative: boolean;
}

/** Undefined where the run ended before two start vectors were through. */
export function spectrumFigures(report: SpectrumReport): SpectrumFigures | undefined {
  const { density, size, settings } = report;
  if (!density) return undefined;
  const { quadratures, outliers, negativeMass } = density;
  const [low, high] = [density.smallest.value, density.largest.value];
  const rest = withoutOutliers(quadratures, outliers);
  const nodes = rest.flatMap(probe => probe.nodes);
  const [bottom, edge] = nodes.length ? [Math.min(...nodes), Math.max(...nodes)] : [0, 0];
  const most = Math.max(...rest.map(probe => probe.nodes.length));
  const known = outliers.map(({ value }) => value).sort((a, b) => b - a);
  const apart = standingApart(known, edge);
  const squares = known.slice(0, apart.count).reduce((sum, x) => sum + x * x, 0);
  const left = Math.max(1, size - outliers.length);
  const rounding = ROUNDING * Math.max(Math.abs(low), Math.abs(high)) || Number.MIN_VALUE;
  return {
    ...{ report, density, low, high, apart, rounding },
    apartShare: overProbes(quadratures, some => squares / frobeniusNorm(some, size).estimate ** 2),
    median: medianBound(quadratures, outliers),
    spread: Math.max(rounding, frobeniusNorm(rest, size).estimate / Math.sqrt(left)),
    width: Math.max(rounding, (edge - bottom) / most),
    isExact: outliers.length + most >= size,
    hasNegative: settings.matrix === 'hessian' && interval95(negativeMass)[0] > ROUNDING,
  };
}

/** A bound on an eigenvalue's error: its residual, or the rounding of the products that it was found by. */
export const eigenvalueError = (
  { rounding }: SpectrumFigures,
  { value, residual }: Density['largest'],
): number => Math.max(Math.abs(value) * residual, rounding);

/** With the rounding of products, where the start vectors' own noise is below it. */
export const withRounding = (found: ProbeEstimate): ProbeEstimate => ({
  ...found,
  stderr: Math.max(found.stderr, ROUNDING * Math.abs(found.estimate)),
});

export interface Condition {
  readonly ratio: number;
  readonly error: number;
  /** Whether the condition is at least this: the smallest eigenvalues are not resolved, or zero to rounding. */
  readonly isBound: boolean;
}

/** Largest |λ| over smallest, or over the bound on the median |λ| where the smallest are not resolved. */
export function condition({ density, low, high, median, isExact, rounding }: SpectrumFigures): Condition {
  const nodes = density.quadratures.flatMap(probe => probe.nodes).map(Math.abs);
  const smallest = isExact ? Math.min(...nodes) : median;
  if (smallest <= rounding) return { ratio: 1 / ROUNDING, error: 0, isBound: true };
  const ratio = Math.max(Math.abs(low), Math.abs(high)) / smallest;
  return { ratio, error: isExact ? (ratio * rounding) / smallest : 0, isBound: !isExact };
}

/** A share of Σ|λ|, in percent. */
export const inPercent = ({ estimate, stderr, samples }: ProbeEstimate): ProbeEstimate => ({
  estimate: 100 * estimate,
  stderr: 100 * Math.max(stderr, ROUNDING),
  samples,
});
