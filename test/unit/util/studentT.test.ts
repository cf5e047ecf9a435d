import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interval95, studentT } from '../../../src/engine/util/studentT';

// scipy.stats.t.ppf((1 + level) / 2, samples - 1)
const expected: [level: number, samples: number, quantile: number][] = [
  [0.95, 2, 12.706204736],
  [0.95, 3, 4.3026527297],
  [0.95, 4, 3.1824463053],
  [0.95, 5, 2.7764451052],
  [0.95, 10, 2.2621571628],
  [0.95, 100, 1.9842169516],
  [0.99, 6, 4.0321429836],
  [0.68, 7, 1.08397567913],
  [0.95, 10001, 1.96020123989],
];
for (const [level, samples, quantile] of expected) {
  test(`${samples} samples, ${level}`, () => {
    const found = studentT(level, samples);
    assert.ok(Math.abs(found - quantile) < 1e-8 * quantile, `${found}, expected ${quantile}`);
  });
}

test('one sample bounds nothing', () => {
  assert.equal(studentT(0.95, 1), Infinity);
});

test('an interval of 95 %', () => {
  const [low, high] = interval95({ estimate: 45.5, stderr: 1.2, samples: 5 });
  assert.ok(Math.abs(high - 45.5 - 1.2 * 2.7764451052) < 1e-8 && Math.abs(low + high - 91) < 1e-12);
  assert.deepEqual(interval95({ estimate: 3, stderr: 0, samples: 1 }), [3, 3]);
});
