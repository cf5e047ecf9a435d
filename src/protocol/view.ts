import type { Progress } from '../engine/analysis/hooks';
import type { StudyKind } from '../engine/analysis/study';
import type { Matrix } from '../engine/curvature/matrices';
import type { Report } from '../engine/report/schema';

/** All that the report page shows; sent whole, so that a page can be made anew at any time. */
export interface ViewState {
  readonly modelName: string;
  readonly phase: 'idle' | 'running' | 'done' | 'cancelled' | 'failed';
  readonly progress?: Progress;
  /** What is being measured beside a finished report, which stays as it is. */
  readonly study?: { readonly kind: StudyKind; readonly progress?: Progress };
  /** Whole, or what is kept so far. */
  readonly report?: Report;
  readonly error?: { readonly message: string; readonly hint?: string };
  /** False in a report file opened by itself or saved as HTML: there is nothing to run. */
  readonly canAnalyze: boolean;
  /** The spectrum that the page is asked to turn to, by its key, and when (in ms): each request is answered once. */
  readonly askedSpectrum?: { readonly key: string; readonly at: number };
  /** Where a run was cut short and its probes are there. */
  readonly canResume?: boolean;
  /** The same of what is measured beside. */
  readonly resumable?: readonly StudyKind[];
}

/** What of a study the reader may choose; the rest is as for the analysis. */
export interface StudyChoice {
  /** Names of layers; all parameters by default. */
  readonly layers?: readonly string[];
  readonly matrix?: Matrix;
  /** Ask for the training settings even where they are known. */
  readonly askAgain?: boolean;
  /** As it was chosen for the run that was cut short, in place of the rest. */
  readonly resume?: boolean;
}

export type ToView<State = ViewState> = { readonly type: 'stateChanged'; readonly state: State };

export type FromView =
  | { readonly type: 'ready' }
  | { readonly type: 'analyze' }
  /** The analysis again, with the activations. */
  | { readonly type: 'measureActivations' }
  | { readonly type: 'study'; readonly kind: StudyKind; readonly choice?: StudyChoice }
  | { readonly type: 'cancel' }
  | { readonly type: 'retry' }
  | { readonly type: 'resume' }
  | { readonly type: 'chooseData' }
  | { readonly type: 'compare' }
  | { readonly type: 'saveReport'; readonly format: 'json' | 'html' | 'csv' }
  | { readonly type: 'revealLayer'; readonly layer: string }
  /** The widths that the page shows, by layer; none where they are the report's suggestion. */
  | { readonly type: 'widthsChosen'; readonly bits: Readonly<Record<string, number>> }
  | { readonly type: 'saveBits'; readonly bits: Readonly<Record<string, number>> }
  | { readonly type: 'exportQuantized'; readonly bits: Readonly<Record<string, number>> };
