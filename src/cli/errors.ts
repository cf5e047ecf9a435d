import { CurvatureError } from '../engine/errors';

export const INTERRUPTED = 130;

/** 2 where the input is at fault, 130 after Ctrl-C, 1 for everything else. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof CurvatureError)) return 1;
  if (error.code === 'cancelled') return INTERRUPTED;
  return error.isBadInput ? 2 : 1;
}

/**
 * `error: …` and `hint: …` on stderr. What isn't a CurvatureError is a bug or the system's, and shows where
 * it came from.
 */
export function printError(error: unknown): void {
  if (error instanceof CurvatureError) {
    process.stderr.write(`error: ${error.message}\n${error.hint ? `hint: ${error.hint}\n` : ''}`);
  } else {
    process.stderr.write(
      `error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
  }
}
