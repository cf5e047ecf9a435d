import type { Matrix } from '../curvature/products';
import type { Estimate, RitzValue } from '../estimators/result';
import type { ProbeEstimate, Quadrature } from '../estimators/spectrum';
import type { TraceMethod } from '../estimators/trace';
import type { Diagnostic, Report } from './schema';

/** The version of the format; raised when a reader of the old one would misread the new one. */
export const SPECTRUM_VERSION = 1;

export interface TraceReport extends Estimate {
  /** An estimator over products, or the squared gradients of the samples, which are the empirical Fisher matrix's trace. */
  readonly method: TraceMethod | 'gradients';
  /** Products, or gradients. */
  readonly products: number;
  /** Holds the trace with 95 %, by Student's t. */
  readonly interval: readonly [low: number, high: number];
}

/** What is known of a whole spectrum. All errors are of the start vectors' noise on the given data. */
export interface Density {
  /** Eigenvalues and their shares, one set for each start vector; densities of any width are made from them. */
  readonly quadratures: readonly Quadrature[];
  /** Eigenvalues known by themselves, largest magnitude first. */
  readonly outliers: readonly RitzValue[];
  readonly largest: RitzValue;
  readonly smallest: RitzValue;
  /** Σλ, beside the trace's own estimate. */
  readonly sum: ProbeEstimate;
  readonly frobeniusNorm: ProbeEstimate;
  /** The negative share of Σ|λ|. */
  readonly negativeMass: ProbeEstimate;
  /** (Σ|λ|)²/Σλ². */
  readonly effectiveRank: ProbeEstimate;
  /** The Wasserstein distance to the exact spectrum is at most `bound`, but for a chance of `failure`. */
  readonly wasserstein: { readonly bound: number; readonly failure: number };
}

/** The spectrum of one curvature matrix; plain numbers, so that JSON holds all of it. */
export interface SpectrumReport {
  readonly format: 'curvature-spectrum';
  readonly version: typeof SPECTRUM_VERSION;
  /** False for what is kept of a run that was cancelled or failed. */
  readonly complete: boolean;
  readonly tool: Report['tool'];
  readonly model: { readonly file: string; readonly sha256: string };
  readonly data: Report['data'];
  readonly settings: {
    readonly loss: Report['settings']['loss'];
    readonly matrix: Matrix;
    /** The parameters that the matrix is taken over, by the names that people see; all of the model's where `isWhole`. */
    readonly parameters: readonly string[];
    readonly isWhole: boolean;
    readonly steps: number;
    readonly probes: number;
    readonly rtol: number;
    /** Seconds that the run was given, where they were limited. */
    readonly seconds?: number;
    readonly maxProducts: number;
    readonly seed: number;
    readonly batch: number;
    readonly executionProvider: string;
  };
  readonly device: string;
  readonly memory: { readonly predictedBytes: number };
  readonly samples: number;
  /** Rows of the matrix. */
  readonly size: number;
  readonly trace: TraceReport | null;
  readonly density: Density | null;
  /** The eigenvalue of largest magnitude by power iteration, where it was asked for. */
  readonly crossCheck?: RitzValue & { readonly steps: number };
  readonly diagnostics: readonly Diagnostic[];
  /** Seconds per stage. */
  readonly timings: Readonly<Record<string, number>>;
}
