import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TraceReport } from '../../../src/engine/report/spectrum';
import { isSumApart, steadier } from '../../../src/engine/report/traceAgainstSum';

const trace = (estimate: number, stderr: number, samples: number): TraceReport => ({
  ...{ estimate, stderr, samples, seed: 0, exact: stderr === 0, converged: true },
  ...{ method: 'xtrace', products: 2 * samples, interval: [estimate, estimate] },
});
const sum = (estimate: number, stderr: number, samples: number) => ({ sum: { estimate, stderr, samples } });

test('trace and Σλ are apart where Welch’s test says so with p below 5 %', () => {
  // scipy.stats.ttest_ind_from_stats: p = 0.033 and 0.14.
  assert.ok(isSumApart(trace(41.7, 0.17, 200), sum(45.5, 1.2, 5)));
  assert.ok(!isSumApart(trace(0, 0.3, 2), sum(1, 0.3, 2)));
  // 3 of their standard errors, and no more than five vectors leave open: p = 0.04 of four degrees, but 0.096 of two.
  assert.ok(isSumApart(trace(4, 0, 1), sum(7, 1, 5)));
  assert.ok(!isSumApart(trace(4, 0, 1), sum(7, 1, 3)));
});

test('rounding does not set them apart', () => {
  assert.ok(!isSumApart(trace(4, 0, 1), sum(4 + 1e-6, 0, 2)));
  assert.ok(isSumApart(trace(4, 0, 1), sum(4.01, 0, 2)));
});

test('the smaller error is the one to go by', () => {
  assert.equal(steadier(trace(41.7, 0.17, 200), sum(45.5, 1.2, 5)), 'trace');
  assert.equal(steadier(trace(41.7, 2, 8), sum(45.5, 1.2, 5)), 'sum');
});
