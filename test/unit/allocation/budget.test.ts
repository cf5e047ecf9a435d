import assert from 'node:assert/strict';
import { test } from 'node:test';
import { budgetBytes, parseBudget } from '../../../src/engine/allocation/budget';
import { type AllocationProblem, effectiveBits } from '../../../src/engine/allocation/problem';
import { curvatureError } from '../../support/assertions';

const problem = (...widths: number[][]): AllocationProblem =>
  widths.map((bits, l) => ({
    name: `layer ${l}`,
    parameters: 1000,
    choices: bits.map(b => ({ bits: b, bytes: 125 * b + 40, sensitivity: 1 / b })),
  }));
const two = problem([2, 4, 8], [2, 4, 8]);

const budgets: [text: string, problem: AllocationProblem, bytes: number][] = [
  ['8MB', two, 8e6],
  ['800KB', two, 8e5],
  ['1.5GB', two, 1.5e9],
  ['12345B', two, 12345],
  [' 2 kib ', two, 2048],
  ['1MiB', two, 1048576],
  ['.5mb', two, 5e5],
  ['4.5bits', two, 1125],
  ['4 bits', two, 1000],
  // Between all at 4 bits (2 · 540 bytes) and all at 8 (2 · 1040), whatever else there is.
  ['0', two, 1080],
  ['0.5', two, 1580],
  ['1', two, 2080],
  // Without 4 or 8 in every layer: between the smallest (2 · 290) and the largest.
  ['0.5', problem([2, 3, 4], [2, 3, 4]), 830],
  ['0.5', problem([2, 4, 8], [2, 8]), (580 + 2080) / 2],
];
for (const [text, layers, bytes] of budgets) {
  test(`a budget of '${text}' is ${bytes} bytes`, () => {
    assert.ok(Math.abs(budgetBytes(parseBudget(text), layers) - bytes) < 1e-6);
  });
}

const refused: [string, RegExp][] = [
  ['', /'' is not a size/],
  ['MB', /is not a size/],
  ['-3MB', /is not a size/],
  ['1e3', /unknown unit 'e3'|is not a size/],
  ['3 apples', /unknown unit 'apples'/],
  ['8 constructor', /unknown unit 'constructor'/],
  ['1.5', /has no unit and is above 1/],
  ['0MB', /is zero/],
  ['0bits', /is zero/],
];
for (const [text, message] of refused) {
  test(`refuses a budget of '${text}'`, () => {
    assert.throws(() => parseBudget(text), curvatureError('option-invalid', message));
  });
}

test('effective bits count the scales', () => {
  assert.equal(effectiveBits(two, 2 * 540), 4.32);
});
