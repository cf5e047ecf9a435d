import assert from 'node:assert/strict';
import { test } from 'node:test';
import { omega } from '../../../src/engine/sensitivity/omega';

test('Ω is the average trace times the quantization error, with the error of the trace', () => {
  assert.deepEqual(omega({ estimate: 30, stderr: 3 }, 60, 0.25), {
    value: 0.125,
    stderr: 0.0125,
    clamped: false,
  });
});

test('a negative trace counts as zero and is reported; its error stays', () => {
  assert.deepEqual(omega({ estimate: -2, stderr: 4 }, 8, 1), { value: 0, stderr: 0.5, clamped: true });
  assert.equal(omega({ estimate: 0, stderr: 0 }, 8, 1).clamped, false);
});

test('a layer without parameters is a mistake of ours', () => {
  assert.throws(() => omega({ estimate: 1, stderr: 0 }, 0, 1), /internal/);
});
