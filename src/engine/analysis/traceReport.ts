import type { Estimate } from '../estimators/result';
import type { TraceMethod } from '../estimators/trace';
import type { TraceReport } from '../report/spectrum';
import { studentT } from '../util/studentT';

/** An estimate with its 95 % interval. */
export function traceReport(estimate: Estimate, method: TraceMethod, products: number): TraceReport {
  const half = estimate.stderr === 0 ? 0 : studentT(0.95, estimate.samples) * estimate.stderr;
  return {
    ...estimate,
    method,
    products,
    interval: [estimate.estimate - half, estimate.estimate + half],
  };
}
