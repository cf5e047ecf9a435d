import { CurvatureError, cancelled } from '../errors';
import type { ProbeJournal } from './journal';
import type { AnalyzeHooks, Stage } from './options';
import type { ProgressTracker } from './progress';
import { buildReport, type State } from './state';

/** Partial reports cost something to build and to send; more than a few a second help nobody. */
const PARTIAL_INTERVAL_MS = 300;

/** One analysis under way: runs its stages, tells how far they are, and keeps what they find. */
export class Run {
  private lastPartial = -Infinity;
  /** What the first stage that failed threw. */
  failure: Error | undefined;

  constructor(
    readonly state: State,
    readonly progress: ProgressTracker,
    private readonly hooks: AnalyzeHooks,
  ) {}

  get signal(): AbortSignal | undefined {
    return this.hooks.signal;
  }

  get journal(): ProbeJournal | undefined {
    return this.hooks.journal;
  }

  /** Runs a stage that the rest can't do without. */
  async stage(name: Stage, message: string, body: () => Promise<void>): Promise<void> {
    if (this.signal?.aborted) throw cancelled();
    const start = performance.now();
    this.progress.begin(name, message);
    try {
      await body();
    } finally {
      this.state.timings[name] = (this.state.timings[name] ?? 0) + secondsSince(start);
    }
  }

  /** Runs a stage whose failure the rest survives: it is told in the report. Cancelling ends the analysis all the same. */
  async attempt(name: Stage, message: string, body: () => Promise<void>): Promise<void> {
    try {
      await this.stage(name, message, body);
    } catch (error) {
      this.survive(error, message);
    }
  }

  /** Notes a failure and goes on; a cancelled run doesn't. */
  survive(error: unknown, what: string, layer?: string): void {
    if (error instanceof CurvatureError && error.code === 'cancelled') throw error;
    this.failure ??= error as Error;
    this.state.failures.push({
      severity: 'error',
      code: 'stage-failed',
      ...(layer === undefined ? {} : { layer }),
      message: `${what} failed: ${(error as Error).message}`,
    });
  }

  /** Sends all results so far, unless that was done a moment ago. */
  partial(): void {
    const now = performance.now();
    if (now - this.lastPartial < PARTIAL_INTERVAL_MS) return;
    this.lastPartial = now;
    this.hooks.onPartial?.(buildReport(this.state, false));
  }
}

export const secondsSince = (start: number): number => Math.round(performance.now() - start) / 1000;
