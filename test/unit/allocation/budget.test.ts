import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitOf, parseBudget } from '../../../src/engine/allocation/budget';
import { groupLayers } from '../../../src/engine/allocation/groups';
import { type AllocationProblem } from '../../../src/engine/allocation/problem';
import { curvatureError } from '../../support/assertions';

const problem = (...widths: number[][]): AllocationProblem => ({
  layers: widths.map((bits, l) => ({
    name: `layer ${l}`,
    parameters: 1000,
    choices: bits.map(b => ({
      bits: b,
      costs: { bytes: 125 * b + 40, bops: b * b, latency: b },
      sensitivity: 1 / b,
    })),
  })),
  ties: [],
  pins: {},
});
const two = problem([2, 4, 8], [2, 4, 8]);

const budgets: [text: string, problem: AllocationProblem, limit: number][] = [
  ['8MB', two, 8e6],
  ['800KB', two, 8e5],
  ['1.5GB', two, 1.5e9],
  ['12345B', two, 12345],
  ['bytes=12345', two, 12345],
  [' 2 kib ', two, 2048],
  ['1MiB', two, 1048576],
  ['.5mb', two, 5e5],
  ['4.5bits', two, 1125],
  ['4 bits', two, 1000],
  ['4x', two, 2000],
  ['ratio 8x', two, 1000],
  ['bops=1.5e3', two, 1500],
  ['bops=3G', two, 3e9],
  ['latency=5ms', two, 5],
  ['latency=500us', two, 0.5],
  // Between all at 4 bits (2 · 540 bytes) and all at 8 (2 · 1040), whatever else there is.
  ['0', two, 1080],
  ['0.5', two, 1580],
  ['50%', two, 1580],
  ['1', two, 2080],
  ['bops=25%', two, 32 + 0.25 * 96],
  // A pinned layer is at its width at both ends.
  ['0.5', { ...two, pins: { 'layer 1': 2 } }, 290 + 790],
  // Without 4 or 8 in every layer: between the smallest (2 · 290) and the largest.
  ['0.5', problem([2, 3, 4], [2, 3, 4]), 830],
  ['0.5', problem([2, 4, 8], [2, 8]), (580 + 2080) / 2],
];
for (const [text, layers, limit] of budgets) {
  test(`a budget of '${text}' is a limit of ${limit}`, () => {
    assert.ok(Math.abs(limitOf(parseBudget(text), layers, groupLayers(layers)).limit - limit) < 1e-6);
  });
}

const refused: [string, RegExp][] = [
  ['', /'' is not a size/],
  ['MB', /is not a size/],
  ['-3MB', /is not a size/],
  ['1e3', /is above 1/],
  ['4b', /may be bits or bytes: write 4bits, or 4B for bytes/],
  ['3 apples', /unknown unit 'apples'/],
  ['8 constructor', /unknown unit 'constructor'/],
  ['1.5', /has no unit and is above 1/],
  ['0MB', /is zero/],
  ['0bits', /is zero/],
  ['=5', /names no cost/],
  ['latency=5MB', /unknown unit 'MB'/],
  ['120%', /above 100 %/],
  ['bops=-1', /is not a size/],
];
for (const [text, message] of refused) {
  test(`refuses a budget of '${text}'`, () => {
    assert.throws(() => parseBudget(text), curvatureError('option-invalid', message));
  });
}

test('a budget on a cost that there is not names those that there are', () => {
  assert.throws(
    () => limitOf(parseBudget('energy=1'), two, groupLayers(two)),
    curvatureError('problem-invalid', /'energy'/),
  );
});
