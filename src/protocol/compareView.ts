import type { Progress } from '../engine/analysis/hooks';
import type { ReportComparison } from '../engine/report/compareReports';
import type { HessianComparison } from '../engine/report/comparison';

/** The comparison of two Hessians: why there can be none, or how far it is. */
export type HessiansState =
  | { readonly phase: 'unavailable'; readonly reason: string }
  | {
      readonly phase: 'idle';
      readonly error?: { readonly message: string; readonly hint?: string };
      /** Where a run was cut short and its products are there. */
      readonly canResume?: boolean;
    }
  | { readonly phase: 'running'; readonly progress?: Progress }
  | { readonly phase: 'done'; readonly comparison: HessianComparison; readonly notes: readonly string[] };

/** All that the page of a comparison shows; sent whole. */
export interface CompareState {
  readonly title: string;
  /** Where the two reports come from, as short as tells them apart. */
  readonly names: { readonly a: string; readonly b: string };
  /** How the page is made anew after a reload of the window. */
  readonly sources: readonly string[];
  readonly comparison?: ReportComparison;
  /** Why there is no comparison. */
  readonly error?: { readonly message: string; readonly hint?: string };
  readonly hessians: HessiansState;
}

export type FromCompareView =
  | { readonly type: 'ready' }
  | { readonly type: 'compareHessians' }
  | { readonly type: 'cancel' }
  | { readonly type: 'openReport'; readonly side: 'a' | 'b' };
