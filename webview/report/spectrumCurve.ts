import { density } from '../../src/engine/estimators/spectrum';
import type { SpectrumFigures } from './spectrumFigures';

/** Points of the curve that are evenly spread over the axis. */
const POINTS = 500;
/** Points nearer to each other than this share of the axis are one, except at outliers. */
const NEAREST = 1 / 500;

/** Where eigenvalues stand on an axis, and back. */
export interface Axis {
  readonly place: (eigenvalue: number) => number;
  readonly eigenvalueAt: (place: number) => number;
  /** Places of both ends, with a margin. */
  readonly min: number;
  readonly max: number;
}

/** Linear, or symmetrically logarithmic: asinh(λ/s), linear below s and logarithmic above, with the bulk's spread for s. */
export function axisOf({ low, high, spread }: SpectrumFigures, isLogarithmic: boolean): Axis {
  const place = isLogarithmic ? (x: number) => Math.asinh(x / spread) : (x: number) => x;
  const eigenvalueAt = isLogarithmic ? (x: number) => spread * Math.sinh(x) : (x: number) => x;
  // Zero is in the picture, so that the sign of what is seen is.
  const [left, right] = [place(Math.min(low, 0)), place(Math.max(high, 0))];
  const margin = 0.04 * (right - left || 1);
  return { place, eigenvalueAt, min: left - margin, max: right + margin };
}

export interface CurvePoint {
  readonly eigenvalue: number;
  /** The mean over the start vectors. */
  readonly density: number;
  /** Its standard error. */
  readonly stderr: number;
}

/** The density with its error, where nodes are Gaussians of this width. */
export function curveOf(figures: SpectrumFigures, axis: Axis, width: number): CurvePoint[] {
  const { quadratures } = figures.density;
  const points = eigenvaluesOn(figures, axis, width);
  const curves = quadratures.map(probe => density([probe], points, width));
  const count = curves.length;
  return points.map((eigenvalue, i) => {
    const values = curves.map(curve => curve[i] ?? 0);
    const mean = values.reduce((sum, x) => sum + x, 0) / count;
    const squares = values.reduce((sum, x) => sum + (x - mean) ** 2, 0);
    return { eigenvalue, density: mean, stderr: Math.sqrt(squares / (count * (count - 1))) };
  });
}

/** The height of a single eigenvalue by itself: the measure of what is little on a logarithmic axis. */
export const heightOfOne = ({ report }: SpectrumFigures, width: number): number =>
  1 / (report.size * width * Math.sqrt(2 * Math.PI));

/** Evenly spread over the axis, and denser where a narrow Gaussian stands. */
function eigenvaluesOn({ density }: SpectrumFigures, axis: Axis, width: number): number[] {
  const outliers = new Set(density.outliers.map(({ value }) => value));
  const even = Array.from({ length: POINTS + 1 }, (_, i) =>
    axis.eigenvalueAt(axis.min + ((axis.max - axis.min) * i) / POINTS),
  );
  const nodes = density.quadratures.flatMap(probe => probe.nodes);
  const around = nodes.flatMap(node => [-2, -1, 0, 1, 2].map(k => node + k * width));
  const nearest = NEAREST * (axis.max - axis.min);
  let last = -Infinity;
  return [...new Set([...even, ...around])]
    .sort((a, b) => a - b)
    .filter(x => {
      const place = axis.place(x);
      const isKept = place >= axis.min && place <= axis.max && (outliers.has(x) || place - last >= nearest);
      if (isKept) last = place;
      return isKept;
    });
}
