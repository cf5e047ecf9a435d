import assert from 'node:assert/strict';
import { CurvatureError, type ErrorCode } from '../../src/engine/errors';

export function assertClose(actual: number, expected: number, relative: number, what = 'value'): void {
  const difference = Math.abs(actual - expected);
  assert.ok(
    difference <= relative * Math.max(Math.abs(expected), Number.MIN_VALUE),
    `${what}: ${actual}, expected ${expected} ± ${relative * Math.abs(expected)}`,
  );
}

/** A check for `assert.throws` and `assert.rejects`: our error, of this code, with a message that matches. */
export const curvatureError =
  (code: ErrorCode, message: RegExp) =>
  (error: unknown): true => {
    assert.ok(error instanceof CurvatureError, `not a CurvatureError: ${String(error)}`);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
