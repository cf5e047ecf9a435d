import type { Progress, Stage } from './hooks';

/** Shares of the whole that stages take, by a rough count of runs of their graphs. */
export interface Plan {
  readonly stage: Stage;
  /** Expected cost, in gradients of the whole data. */
  readonly cost: number;
}

/** Turns "draw 3 of at most 64" into a share of the whole analysis and a time to go. */
export class ProgressTracker {
  private stages: readonly Plan[] = [];
  private total = 1;
  private readonly start = performance.now();
  private done = 0;
  private current = 0;
  private stage: Stage | undefined;
  private highest = 0;

  constructor(private readonly report: (progress: Progress) => void) {}

  /** Sets what is to come; made anew when more is known of the model. */
  plan(stages: readonly Plan[]): void {
    this.stages = stages;
    this.total = stages.reduce((sum, p) => sum + p.cost, 0);
  }

  /** A stage of several parts is begun again for each; its share counts once. */
  begin(stage: Stage, message: string): void {
    if (stage !== this.stage) {
      this.done += this.current;
      this.current = this.stages.find(p => p.stage === stage)?.cost ?? 0;
      this.stage = stage;
    }
    this.step(stage, message, 0);
  }

  /** @param share of the stage that is done, 0 to 1 */
  step(stage: Stage, message: string, share: number, relativeError?: number): void {
    const fraction = Math.min(1, Math.max(this.highest, (this.done + share * this.current) / this.total));
    this.highest = fraction;
    const seconds = (performance.now() - this.start) / 1000;
    // A forecast from the first few percent would only jump about.
    const etaSeconds = fraction > 0.02 && fraction < 1 ? (seconds * (1 - fraction)) / fraction : undefined;
    const isKnown = relativeError !== undefined && Number.isFinite(relativeError);
    this.report({
      stage,
      message,
      fraction,
      ...(isKnown ? { relativeError } : {}),
      ...(etaSeconds !== undefined ? { etaSeconds } : {}),
    });
  }
}

/** The share of an adaptive stage that is done: the error falls with the root of the samples. */
export function adaptiveShare(samples: number, cap: number, relativeError: number, rtol: number): number {
  const needed = Number.isFinite(relativeError) && rtol > 0 ? samples * (relativeError / rtol) ** 2 : cap;
  return Math.min(1, samples / Math.max(1, Math.min(cap, needed)));
}
