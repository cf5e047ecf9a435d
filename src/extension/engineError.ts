import { ResponseError } from 'vscode-jsonrpc/node';
import type { Report } from '../engine/report/schema';
import type { EngineErrorData } from '../protocol/engine';

/** How the engine's process went: the exit code or the signal, and what it last said on stderr. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** The only error that leaves the engine client. `code` is an engine `ErrorCode` or one of the two codes below. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  constructor(
    readonly code: string,
    message: string,
    readonly hint?: string,
    /** What had been measured when it happened. */
    readonly partial?: Report,
  ) {
    super(message);
  }

  static readonly crashed = 'engine-crashed';
  static readonly cancelled = 'cancelled';

  get isCancelled(): boolean {
    return this.code === EngineError.cancelled;
  }

  withPartial(partial: Report | undefined): EngineError {
    if (!partial) return this;
    const kept = markStopped(partial, this.isCancelled ? 'cancelled' : 'failed', this.message);
    return new EngineError(this.code, this.message, this.hint, kept);
  }
}

export const cancelledError = (): EngineError =>
  new EngineError(EngineError.cancelled, 'The analysis was cancelled.');

export function crashError({ code, signal, stderr }: ProcessEnd): EngineError {
  const how = signal ? `signal ${signal}` : `exit code ${code}`;
  const said = stderr.trim().split('\n').at(-1);
  return new EngineError(
    EngineError.crashed,
    `The engine's process ended unexpectedly (${how})${said ? `: ${said}` : '.'}`,
    'Running out of memory is the most common cause: a smaller “Curvature: Batch” needs less. Retry starts a new process.',
  );
}

/** A reply that is an error, or whatever else was thrown, as an EngineError. */
export function toEngineError(error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  if (error instanceof ResponseError) {
    const data = error.data as EngineErrorData | undefined;
    if (data) return new EngineError(data.code, error.message, data.hint);
    // A bug of ours carries a stack: the first line is for people, the rest goes to the log.
    return new EngineError(
      'internal',
      error.message.split('\n')[0] ?? 'Unknown error',
      'The log has the details.',
    );
  }
  return new EngineError('internal', error instanceof Error ? error.message : String(error));
}

/** A partial report as it is kept once nothing more will come. */
export const markStopped = (partial: Report, reason: 'cancelled' | 'failed', message: string): Report => ({
  ...partial,
  complete: false,
  stopped: { reason, message },
});
