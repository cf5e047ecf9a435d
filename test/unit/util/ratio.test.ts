import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ratioOf } from '../../../src/engine/util/ratio';
import { Rng } from '../../../src/engine/util/rng';
import { assertClose } from '../../support/assertions';

const Z = 1.959964;

test('at both ends of the interval, b − θa is as far from 0 as its own error allows', () => {
  const cases = [
    [3, 0.2, 2, 0.1],
    [3, 0, 2, 0.7],
    [-0.5, 0.4, 1, 0.3],
    [1e-6, 2e-7, 4e-3, 1e-4],
  ];
  for (const [b, errorB, a, errorA] of cases) {
    const found = ratioOf({ estimate: b, stderr: errorB }, { estimate: a, stderr: errorA })!;
    assert.equal(found.estimate, b / a);
    assert.ok(found.low < found.estimate && found.estimate < found.high);
    for (const end of [found.low, found.high])
      assertClose(Math.abs(b - end * a), Z * Math.hypot(errorB, end * errorA), 1e-9);
  }
});

test('exact numbers have an exact ratio; what may be 0 divides nothing', () => {
  assert.deepEqual(ratioOf({ estimate: 3, stderr: 0 }, { estimate: 2, stderr: 0 }), {
    estimate: 1.5,
    low: 1.5,
    high: 1.5,
  });
  for (const [estimate, stderr] of [
    [0, 0],
    [-1, 0.1],
    [1, 0.6],
  ])
    assert.equal(ratioOf({ estimate: 3, stderr: 0 }, { estimate, stderr }), null);
});

test('the interval holds the ratio in 95 % of repetitions, also where the divisor is noisy', () => {
  const random = Rng.of(0, 'ratio');
  const repetitions = 4000;
  let held = 0;
  for (let i = 0; i < repetitions; i++) {
    const [a, b] = [1 + 0.2 * random.normal(), 2 + 0.3 * random.normal()];
    const found = ratioOf({ estimate: b, stderr: 0.3 }, { estimate: a, stderr: 0.2 });
    // Without an end the interval holds everything.
    if (!found || (found.low <= 2 && 2 <= found.high)) held++;
  }
  // Three standard errors of a share of 0.95.
  assertClose(held / repetitions, 0.95, 3 * Math.sqrt((0.95 * 0.05) / repetitions));
});
