import type { Report } from '../report/schema';
import type { ProbeJournal } from './journal';

export type Stage =
  | 'load'
  | 'loss'
  | 'ggn'
  | 'hessian'
  | 'differences'
  | 'activations'
  | 'eigenvalues'
  | 'metrics'
  | 'latency'
  | 'allocation'
  | 'trace'
  | 'density'
  | 'batches'
  | 'blocks'
  | 'saliency'
  | 'diagonal'
  | 'steps'
  | 'quantize';

/** One step of progress; sent after each probe. */
export interface Progress {
  readonly stage: Stage;
  /** A sentence a person can read, such as `GGN traces: draw 3 of at most 64`. */
  readonly message: string;
  /** Share of the whole analysis that is done, 0 to 1, never falling. */
  readonly fraction: number;
  /** Largest stderr/|estimate| over the layers so far. */
  readonly relativeError?: number;
  readonly etaSeconds?: number;
}

/** Of all commands that measure something. @template R what they report */
export interface MatrixHooks<R> {
  readonly onProgress?: (progress: Progress) => void;
  /** Called with all results so far after each product or part, at most a few times a second, and before a run stops early. */
  readonly onPartial?: (report: R) => void;
  /** Keeps what is found, and has what an interrupted run of the same settings found. */
  readonly journal?: ProbeJournal;
  /** The clock of `seconds`, in milliseconds; `performance.now` by default. */
  readonly now?: () => number;
  readonly signal?: AbortSignal;
}

export type AnalyzeHooks = MatrixHooks<Report>;

export type ProveHooks = Pick<AnalyzeHooks, 'onProgress' | 'signal'>;
