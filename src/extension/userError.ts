import { EngineError } from './engineError';

/** A button under an error message. */
export interface ErrorAction {
  readonly title: string;
  readonly command: string;
  readonly args: readonly unknown[];
}

/** An error that says what happened and offers what to do about it. */
export class UserError extends Error {
  override readonly name = 'UserError';
  constructor(
    message: string,
    readonly hint?: string,
    readonly actions: readonly ErrorAction[] = [],
  ) {
    super(message);
  }
}

/** Thrown where the user changed their mind; nothing is shown. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled';
}

const dataCodes = new Set(['data-unreadable', 'data-mismatch', 'labels-invalid']);

/**
 * A failed run as the user meets it: with Retry, or with other data where the data is at fault.
 * @param resume what goes on with it, where something is kept
 */
export function analysisError(
  error: unknown,
  model: unknown,
  command = 'curvature.analyzeCurvature',
  resume?: Omit<ErrorAction, 'title'>,
): Error {
  if (!(error instanceof EngineError)) return error instanceof Error ? error : new Error(String(error));
  if (error.isCancelled) return new Cancelled(error.message);
  const actions = dataCodes.has(error.code)
    ? [{ title: 'Choose Data…', command: 'curvature.chooseData', args: [model] }]
    : [...(resume ? [{ title: 'Resume', ...resume }] : []), { title: 'Retry', command, args: [model] }];
  return new UserError(error.message, error.hint, actions);
}
