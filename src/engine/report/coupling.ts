import type { Matrix } from '../curvature/products';
import type { Diagnostic, Report } from './schema';

/** The version of the format; raised when a reader of the old one would misread the new one. */
export const COUPLING_VERSION = 1;

export interface WithError {
  readonly estimate: number;
  /** Of the random vectors; 0 where none were needed. */
  readonly stderr: number;
}

/** Whether what layers cost alone adds up to what they cost together. */
export interface Additivity {
  /** The width whose rounding errors are meant; null for errors of one size in all weights. */
  readonly bits: number | null;
  /** One standard deviation of what layers cost through each other, beside the sum of what they cost alone, for errors of random signs. */
  readonly spread: number;
  readonly verdict: 'additive' | 'roughly-additive' | 'not-additive';
  readonly message: string;
}

/** How the layers of a model share curvature; plain numbers, so that JSON holds all of it. */
export interface CouplingReport {
  readonly format: 'curvature-coupling';
  readonly version: typeof COUPLING_VERSION;
  readonly tool: Report['tool'];
  readonly model: { readonly file: string; readonly sha256: string };
  readonly data: Report['data'];
  readonly settings: {
    readonly loss: Report['settings']['loss'];
    readonly matrix: Matrix;
    readonly probes: number;
    readonly seed: number;
    readonly batch: number;
    readonly executionProvider: string;
  };
  readonly device: string;
  readonly samples: number;
  readonly layers: readonly { readonly name: string; readonly parameters: number }[];
  /** ‖H_lm‖_F, in the order of the layers. */
  readonly norms: readonly (readonly WithError[])[];
  readonly traces: readonly WithError[];
  /** The share of ‖H‖_F² that lies outside of the diagonal blocks. */
  readonly shareOutside: WithError;
  readonly additivity: Additivity;
  readonly diagnostics: readonly Diagnostic[];
  /** Seconds per stage. */
  readonly timings: Readonly<Record<string, number>>;
}
