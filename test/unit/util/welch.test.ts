import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differenceOf, type Sampled } from '../../../src/engine/util/welch';
import { Rng } from '../../../src/engine/util/rng';
import { interval95 } from '../../../src/engine/util/studentT';
import { assertClose } from '../../support/assertions';

const sampled = (estimate: number, stderr: number, samples: number): Sampled => ({
  ...{ estimate, stderr, samples },
});

// The degrees by which scipy.stats.ttest_ind_from_stats(..., equal_var=False) has its p, rounded down.
const cases: [b: Sampled, a: Sampled, degrees: number][] = [
  [sampled(3, 0.2, 5), sampled(2, 0.1, 12), 6],
  [sampled(45.5, 1.2, 5), sampled(41.7, 0.17, 200), 4],
  [sampled(1, 0.3, 2), sampled(0, 0.3, 2), 2],
  [sampled(1, 0.5, 8), sampled(0, 0.01, 3), 7],
];
for (const [b, a, degrees] of cases) {
  test(`${b.samples} and ${a.samples} draws leave ${degrees} degrees`, () => {
    const { estimate, stderr, samples } = differenceOf(b, a);
    assert.equal(estimate, b.estimate - a.estimate);
    assertClose(stderr, Math.hypot(a.stderr, b.stderr), 1e-12);
    assert.equal(samples, degrees + 1);
  });
}

test('an exact number adds no error and takes no degree', () => {
  assert.deepEqual(differenceOf(sampled(3, 0.2, 5), sampled(2, 0, 1)), sampled(1, 0.2, 5));
  assert.deepEqual(interval95(differenceOf(sampled(3, 0, 9), sampled(2, 0, 1))), [1, 1]);
});

test('the interval of a difference of few draws holds it in 95 % of repetitions', () => {
  const random = Rng.of(0, 'welch');
  const mean = (of: number, sd: number, samples: number): Sampled => {
    const values = Array.from({ length: samples }, () => of + sd * random.normal());
    const estimate = values.reduce((sum, x) => sum + x, 0) / samples;
    const squares = values.reduce((sum, x) => sum + (x - estimate) ** 2, 0);
    return { estimate, stderr: Math.sqrt(squares / (samples * (samples - 1))), samples };
  };
  for (const [sdA, nA, sdB, nB] of [
    [1, 5, 1, 12],
    [3, 5, 1, 12],
    [0.2, 8, 1, 4],
  ]) {
    const repetitions = 4000;
    let held = 0;
    for (let i = 0; i < repetitions; i++) {
      const [low, high] = interval95(differenceOf(mean(2, sdB, nB), mean(1, sdA, nA)));
      if (low <= 1 && 1 <= high) held++;
    }
    const share = held / repetitions;
    // Degrees are rounded down, and Welch's law holds to about a percent.
    assert.ok(share > 0.935 && share < 0.975, `${share}`);
  }
});
