import type { Estimate } from '../estimators/result';
import type { TraceReport } from '../report/spectrum';
import { studentT } from '../util/studentT';

/** An estimate with its 95 % interval. */
export function traceReport(
  estimate: Estimate,
  method: TraceReport['method'],
  products: number,
): TraceReport {
  const half = estimate.stderr === 0 ? 0 : studentT(0.95, estimate.samples) * estimate.stderr;
  return {
    ...estimate,
    method,
    products,
    interval: [estimate.estimate - half, estimate.estimate + half],
  };
}
