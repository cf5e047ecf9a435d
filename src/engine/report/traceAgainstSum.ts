import type { Density, TraceReport } from './spectrum';
import { studentT } from '../util/studentT';
import { differenceOf } from '../util/welch';

/** Of products in float32, ten times over. */
const ROUNDING = 1e-5;

/**
 * Whether the trace's own estimate and Σλ of the quadratures, which are independent and unbiased both, are further apart than in 19 of 20
 * runs (Welch's test), and than rounding.
 */
export function isSumApart(trace: TraceReport, { sum }: Pick<Density, 'sum'>): boolean {
  const { estimate, stderr, samples } = differenceOf(sum, trace);
  const rounding = ROUNDING * Math.max(Math.abs(sum.estimate), Math.abs(trace.estimate));
  return Math.abs(estimate) > Math.max(stderr === 0 ? 0 : studentT(0.95, samples) * stderr, rounding);
}

/** Which of the two to go by. */
export const steadier = (trace: TraceReport, { sum }: Pick<Density, 'sum'>): 'trace' | 'sum' =>
  trace.stderr <= sum.stderr ? 'trace' : 'sum';
