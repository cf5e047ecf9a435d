import { CurvatureError, cancelled } from '../errors';
import { atMostEvery } from '../util/atMostEvery';
import type { TimeBudget, TimeSpent } from '../util/timeBudget';
import type { ProbeJournal } from './journal';
import type { AnalyzeHooks, Stage } from './hooks';
import type { ProgressTracker } from './progress';
import { percent } from './estimateDiagnostics';
import { PARTIAL_INTERVAL_MS } from './partials';
import { buildReport, type State } from './state';

/** One analysis under way: runs its stages, tells how far they are, and keeps what they find. */
export class Run {
  /** Random searches that are still to come. */
  private searches: number;
  /** What the first stage that failed threw. */
  failure: Error | undefined;

  constructor(
    readonly state: State,
    readonly progress: ProgressTracker,
    private readonly hooks: AnalyzeHooks,
    private readonly time?: TimeBudget,
  ) {
    const { matrix, activations } = state.options;
    const values = state.setUp.activations.length;
    const byDifferences = [...state.methods.values()].filter(m => m === 'differences').length;
    const ofActivations = (matrix === 'hessian' ? 0 : 1) + (matrix === 'ggn' ? 0 : values);
    this.searches =
      (matrix === 'both' ? 2 : 1) +
      byDifferences +
      (activations === undefined ? 0 : ofActivations) +
      (state.fit.eigenvalues > 0 ? 1 : 0);
  }

  get signal(): AbortSignal | undefined {
    return this.hooks.signal;
  }

  get journal(): ProbeJournal | undefined {
    return this.hooks.journal;
  }

  /** The next search's equal part of the time left, where time is limited. */
  timeSpent(): TimeSpent | undefined {
    return this.time?.share(1 / Math.max(1, this.searches--));
  }

  /** Notes a search that ended because its time was up. @param error what it has reached, relative to the estimate */
  timeWasUp(what: string, error: number): void {
    const { seconds, rtol } = this.state.options;
    this.state.timeStops.push({
      severity: 'info',
      code: 'time-up',
      message: `${what} when the part of the ${seconds} s for it was up; the largest relative error is ${percent(error)}, not ${percent(rtol)}.`,
    });
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
  readonly partial = atMostEvery(PARTIAL_INTERVAL_MS, () =>
    this.hooks.onPartial?.(buildReport(this.state, false)),
  );
}

export const secondsSince = (start: number): number => Math.round(performance.now() - start) / 1000;
