import type { Estimate } from '../estimators/result';
import type { TraceReport } from '../report/spectrum';
import { interval95 } from '../util/studentT';

/** An estimate with its 95 % interval. */
export function traceReport(
  estimate: Estimate,
  method: TraceReport['method'],
  products: number,
): TraceReport {
  return { ...estimate, method, products, interval: interval95(estimate) };
}
