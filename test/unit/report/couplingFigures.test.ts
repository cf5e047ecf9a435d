import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blockShares, relativeNorm, strongestPairs } from '../../../src/engine/report/couplingFigures';
import type { CouplingReport } from '../../../src/engine/report/coupling';
import { assertClose } from '../../support/assertions';

/** Only the norms are looked at. */
const reportOf = (norms: readonly (readonly (readonly [number, number])[])[]) =>
  ({
    norms: norms.map(row => row.map(([estimate, stderr]) => ({ estimate, stderr }))),
  }) as unknown as CouplingReport;

const norms = [
  [
    [4, 0.2],
    [3, 0.1],
    [0.5, 0.05],
  ],
  [
    [3, 0.1],
    [9, 0.9],
    [2, 0.3],
  ],
  [
    [0.5, 0.05],
    [2, 0.3],
    [1, 0.1],
  ],
] as const;
const report = reportOf(norms);

test('a relative norm is beside the geometric mean, 1 for a layer and itself, and unknown without curvature', () => {
  assert.equal(relativeNorm(report, 0, 1)?.estimate, 3 / 6);
  assert.deepEqual(relativeNorm(report, 1, 1), { estimate: 1, stderr: 0 });
  const flat = reportOf([
    [
      [0, 0],
      [0, 0],
    ],
    [
      [0, 0],
      [1, 0],
    ],
  ]);
  assert.equal(relativeNorm(flat, 0, 1), undefined);
});

test('layers that share one direction are 1 apart from nobody', () => {
  const lengths = [2, 0.3, 5];
  const rankOne = reportOf(lengths.map(a => lengths.map(b => [a * b, 0] as const)));
  for (const [l, m] of [
    [0, 1],
    [1, 2],
  ])
    assertClose(relativeNorm(rankOne, l, m)?.estimate ?? 0, 1, 1e-12);
});

test('its error is the change when all three norms are off in the worst way, to first order', () => {
  const STEP = 1e-5;
  const [[a, da], [both, dBoth], , [c, dc]] = [norms[0][0], norms[0][1], norms[1][0], norms[1][1]];
  const at = (t: number): number => (both + t * dBoth) / Math.sqrt((a - t * da) * (c - t * dc));
  assertClose(relativeNorm(report, 0, 1)?.stderr ?? 0, (at(STEP) - at(-STEP)) / (2 * STEP), 1e-6);
});

test('shares of the blocks are 1 in sum, with the errors that differences give', () => {
  const shares = blockShares(report);
  const triangle = shares.flatMap((row, l) => row.slice(l));
  assertClose(
    triangle.reduce((sum, { estimate }) => sum + estimate, 0),
    1,
    1e-12,
  );
  assertClose(shares[0][1].estimate, (2 * 9) / (16 + 81 + 1 + 2 * (9 + 0.25 + 4)), 1e-12);
  // Errors of blocks are independent: the squares of their effects add up.
  const share = (changed: (l: number, m: number) => number): number => {
    const square = (l: number, m: number) => (l === m ? 1 : 2) * (norms[l][m][0] + changed(l, m)) ** 2;
    const all = [0, 1, 2].flatMap(l => [0, 1, 2].filter(m => m >= l).map(m => square(l, m)));
    return square(0, 1) / all.reduce((a, b) => a + b);
  };
  const STEP = 1e-5;
  let variance = 0;
  for (const l of [0, 1, 2])
    for (const m of [0, 1, 2].filter(index => index >= l)) {
      const moved = (t: number) => share((i, j) => (i === l && j === m ? t * norms[l][m][1] : 0));
      variance += ((moved(STEP) - moved(-STEP)) / (2 * STEP)) ** 2;
    }
  assertClose(shares[0][1].stderr, Math.sqrt(variance), 1e-6);
});

test('pairs come by their norm, or by another size', () => {
  assert.deepEqual(strongestPairs(report, 2), [
    { l: 0, m: 1 },
    { l: 1, m: 2 },
  ]);
  const relative = (l: number, m: number) => relativeNorm(report, l, m)?.estimate ?? 0;
  assert.deepEqual(strongestPairs(report, 1, relative), [{ l: 1, m: 2 }]);
});
