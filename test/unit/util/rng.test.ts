import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rng } from '../../../src/engine/util/rng';
import { RunningMoments } from '../../../src/engine/util/statistics';

const take = (random: Rng, n: number): number[] => Array.from({ length: n }, () => random.bits());

test('a stream depends on its seed and labels alone', () => {
  const first = take(Rng.of(7, 'probe', 3), 8);
  const other = Rng.of(7, 'probe', 2);
  take(other, 1000);
  assert.deepEqual(take(Rng.of(7, 'probe', 3), 8), first);

  const names = [
    [7, 'probe', 4],
    [8, 'probe', 3],
    [7, 'prob', 'e', 3],
    [7, 'probe', '3'],
    [7, 'probe', 3 + 2 ** 32],
  ];
  for (const [seed, ...labels] of names) {
    assert.notDeepEqual(take(Rng.of(seed as number, ...labels), 8), first, `${seed} ${labels.join(' ')}`);
  }
});

test('bits are uniform in each position and from one draw to the next', () => {
  const random = Rng.of(1);
  const draws = take(random, 20_000);
  for (let bit = 0; bit < 32; bit++) {
    const ones = draws.filter(word => (word >>> bit) & 1).length;
    const flips = draws.filter((word, i) => i > 0 && ((word ^ draws[i - 1]) >>> bit) & 1).length;
    // Five standard deviations of a fair coin.
    assert.ok(Math.abs(ones - 10_000) < 354, `bit ${bit}: ${ones} ones`);
    assert.ok(Math.abs(flips - 10_000) < 354, `bit ${bit}: ${flips} flips`);
  }
});

test('first draws of neighbouring streams are independent', () => {
  const signs = Array.from({ length: 4096 }, (_, probe) => Rng.of(0, 'hutchinson', probe).rademacher(1)[0]);
  const sum = signs.reduce((a, b) => a + b, 0);
  const product = signs.reduce((a, b, i) => a + b * (signs[i - 1] ?? 0), 0);
  assert.ok(Math.abs(sum) < 5 * 64 && Math.abs(product) < 5 * 64, `${sum} ${product}`);
});

test('rademacher gives signs of mean 0 that no lag correlates', () => {
  const n = 100_001;
  const signs = Rng.of(3).rademacher(n);
  assert.ok(signs.every(sign => sign === 1 || sign === -1));
  for (const lag of [0, 1, 31, 32, 33]) {
    let sum = 0;
    for (let i = lag; i < n; i++) sum += lag === 0 ? signs[i] : signs[i] * signs[i - lag];
    assert.ok(Math.abs(sum) < 5 * Math.sqrt(n), `lag ${lag}: ${sum}`);
  }
});

test('normals have the moments of a standard normal', () => {
  const n = 100_000;
  const normals = Rng.of(5).normals(n);
  const moment = (power: number): number => normals.reduce((sum, x) => sum + x ** power, 0) / n;
  // Five standard deviations of each moment's mean: var(x) = 1, var(x²) = 2, var(x³) = 15, var(x⁴) = 96.
  for (const [power, expected, variance] of [
    [1, 0, 1],
    [2, 1, 2],
    [3, 0, 15],
    [4, 3, 96],
  ]) {
    assert.ok(
      Math.abs(moment(power) - expected) < 5 * Math.sqrt(variance / n),
      `moment ${power}: ${moment(power)}`,
    );
  }
});

test('below stays in its range and reaches all of it', () => {
  const random = Rng.of(2);
  const counts = new Array<number>(5).fill(0);
  for (let i = 0; i < 5000; i++) counts[random.below(5)] += 1;
  assert.ok(
    counts.every(count => Math.abs(count - 1000) < 142),
    counts.join(' '),
  );
  const uniforms = new RunningMoments();
  for (let i = 0; i < 10_000; i++) uniforms.add(random.uniform());
  assert.ok(Math.abs(uniforms.mean - 0.5) < 5 * uniforms.stderr, `${uniforms.mean}`);
});
