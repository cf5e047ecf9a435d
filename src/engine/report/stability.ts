import type { Matrix } from '../curvature/products';
import type { RitzValue } from '../estimators/result';
import type { Optimizer, Training } from '../training/optimizers';
import type { Band } from '../training/learningRateBand';
import type { Suggestion } from '../training/suggest';
import type { Diagnostic, Report } from './schema';
import type { TraceReport } from './spectrum';

/** The version of the format; raised when a reader of the old one would misread the new one. */
export const STABILITY_VERSION = 1;

/** What one optimizer allows on this loss, as far as its mean step goes. */
export interface OptimizerBound {
  readonly optimizer: Optimizer;
  readonly momentum: number;
  /** The largest λmax at the learning rate that is trained with. */
  readonly largestCurvature: number;
  /** The largest learning rate at the λmax that was measured; null for a λmax of another matrix. */
  readonly learningRate: number | null;
}

/** Batches of one size. */
export interface BatchSizeReport {
  readonly batchSize: number;
  /** Random batches that were measured. */
  readonly batches: number;
  /** λmax of their Hessians. */
  readonly largest: { readonly mean: number; readonly stderr: number; readonly most: number };
  /** The same by a formula, from the noise of the batches along the top eigenvector. */
  readonly formula: number;
  /** The largest stable learning rate of a batch's own loss, from both; null where its λmax is not positive. */
  readonly learningRate: { readonly measured: number | null; readonly formula: number | null };
  /** Learning rates between which the noise of batches of this size decides. */
  readonly band: Band;
}

/** Whether training goes on stably from a model's weights, and with what it would; plain numbers, so that JSON holds all of it. */
export interface StabilityReport {
  readonly format: 'curvature-stability';
  readonly version: typeof STABILITY_VERSION;
  readonly tool: Report['tool'];
  readonly model: { readonly file: string; readonly sha256: string };
  readonly data: Report['data'];
  readonly training: Training;
  readonly settings: {
    readonly loss: Report['settings']['loss'];
    readonly matrix: Matrix;
    /** Divided by Adam's steps on both sides, taken from the gradients of random batches. */
    readonly isPreconditioned: boolean;
    readonly batches: number;
    readonly seed: number;
    readonly batch: number;
    readonly executionProvider: string;
  };
  readonly device: string;
  readonly memory: { readonly predictedBytes: number };
  readonly samples: number;
  readonly size: number;
  readonly largest: RitzValue;
  readonly smallest: RitzValue;
  readonly trace: TraceReport;
  readonly criticalBatchSize: number;
  /** At the batch size that is trained with. */
  readonly band: Band;
  readonly bounds: readonly OptimizerBound[];
  /** nσ² of the batches' Hessians, along the top eigenvector. */
  readonly noise: { readonly variance: number; readonly stderr: number };
  readonly batchSizes: readonly BatchSizeReport[];
  /** Heavy ball's fastest settings. */
  readonly suggestion: Suggestion;
  /** The verdict first. */
  readonly diagnostics: readonly Diagnostic[];
  /** Seconds per stage. */
  readonly timings: Readonly<Record<string, number>>;
}
