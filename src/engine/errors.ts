/** What kind of thing went wrong. `input` errors are the user's to mend, `analysis` errors happen during a run. */
export type ErrorCode =
  | 'model-unreadable'
  | 'model-invalid'
  | 'model-unsupported'
  | 'external-data-refused'
  | 'data-unreadable'
  | 'data-mismatch'
  | 'labels-invalid'
  | 'option-invalid'
  | 'report-invalid'
  | 'problem-invalid'
  | 'memory-exceeded'
  | 'runtime-failed'
  | 'not-finite'
  | 'cancelled';

const analysisCodes: ReadonlySet<ErrorCode> = new Set(['runtime-failed', 'not-finite', 'cancelled']);

/**
 * The only error that leaves the engine on purpose. The message says what was found and what was expected;
 * `hint` says what to do about it. Anything else that is thrown is a bug of ours.
 */
export class CurvatureError extends Error {
  override readonly name = 'CurvatureError';
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly hint?: string,
  ) {
    super(message);
  }

  /** True where the user's input is at fault (exit code 2), false where the run failed (exit code 1). */
  get isBadInput(): boolean {
    return !analysisCodes.has(this.code);
  }
}

export const cancelled = (): CurvatureError => new CurvatureError('cancelled', 'The analysis was cancelled.');

/** Marks what can't happen unless this code is wrong. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`internal: ${message}`);
}
