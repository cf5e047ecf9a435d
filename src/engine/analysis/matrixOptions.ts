import type { Matrix } from '../curvature/matrices';
import type { TraceMethod } from '../estimators/trace';
import type { Training } from '../training/optimizers';
import type { AnalyzeOptions } from './options';

/** What every command that multiplies by a curvature matrix takes; names that it shares with `AnalyzeOptions` mean the same. */
export interface MatrixOptions extends Pick<
  AnalyzeOptions,
  | 'model'
  | 'data'
  | 'labels'
  | 'loss'
  | 'outputs'
  | 'samples'
  | 'batch'
  | 'memory'
  | 'seed'
  | 'executionProvider'
> {
  readonly matrix: Matrix;
  /** Globs over names of layers and parameters; all parameters by default. */
  readonly layers?: readonly string[];
}

/** Everything a spectrum depends on. */
export interface SpectrumOptions extends MatrixOptions, Pick<AnalyzeOptions, 'rtol' | 'seconds'> {
  /** Products per start vector. */
  readonly steps: number;
  /** Start vectors (n_v), at least 2. */
  readonly probes: number;
  /** How the trace is estimated; `auto` decides by size, products and memory. */
  readonly estimator: TraceMethod | 'auto';
  /** Products that the trace may take. */
  readonly maxProducts: number;
  /** Whether the eigenvalue of largest magnitude is found by power iteration as well. */
  readonly crossCheck?: boolean;
}

export const defaultSpectrumOptions = {
  ...{ loss: 'auto', matrix: 'hessian', steps: 80, probes: 5, estimator: 'auto' },
  ...{ rtol: 0.05, maxProducts: 100, seed: 0, executionProvider: 'auto' },
} as const satisfies Omit<SpectrumOptions, 'model'>;

/** Everything that the stability of training depends on. */
export interface StabilityOptions extends MatrixOptions {
  readonly training: Training;
  /** Random batches of each size whose Hessians are measured, at least 2. */
  readonly batches: number;
}

export const defaultStabilityOptions = {
  ...{ loss: 'auto', matrix: 'hessian', batches: 8, seed: 0, executionProvider: 'auto' },
} as const satisfies Omit<StabilityOptions, 'model' | 'training'>;

/** Everything that the coupling of layers depends on. */
export interface CouplingOptions extends MatrixOptions, Pick<AnalyzeOptions, 'granularity' | 'seconds'> {
  /** Random vectors on each layer, at least 2. */
  readonly probes: number;
  /** The width whose rounding errors decide whether sensitivities may be added. */
  readonly bits: number;
}

export const defaultCouplingOptions = {
  ...{
    loss: 'auto',
    matrix: 'hessian',
    probes: 16,
    bits: 4,
    granularity: 'auto',
    seed: 0,
    executionProvider: 'auto',
  },
} as const satisfies Omit<CouplingOptions, 'model'>;

/** Two models on one set of data, one model on two, or both; without layers, the last one. */
export interface CompareOptions extends Omit<MatrixOptions, 'model' | 'data'> {
  readonly models: readonly string[];
  readonly data: readonly string[];
  /** Eigenvectors that are compared. */
  readonly count: number;
}

export const defaultCompareOptions = {
  ...{ loss: 'auto', matrix: 'hessian', count: 5, seed: 0, executionProvider: 'auto' },
} as const satisfies Omit<CompareOptions, 'models' | 'data'>;

/** Where the second-order model is compared with the loss itself. `seconds` ends it after a step, with the rest left open. */
export interface TrustOptions
  extends Omit<MatrixOptions, 'matrix'>, Pick<AnalyzeOptions, 'granularity' | 'seconds'> {
  readonly bits: readonly number[];
  /** How far a prediction may be off, as a share of what is measured. */
  readonly tolerance: number;
}

export const defaultTrustOptions = {
  ...{
    loss: 'auto',
    bits: [2, 3, 4, 8],
    granularity: 'auto',
    tolerance: 0.25,
    seed: 0,
    executionProvider: 'auto',
  },
} as const satisfies Omit<TrustOptions, 'model'>;

/** Inverse curvature of each layer, and what it says of removing and rounding weights. `seconds` ends it after a layer, with the rest left open. */
export interface SaliencyOptions
  extends Omit<MatrixOptions, 'matrix'>, Pick<AnalyzeOptions, 'granularity' | 'seconds'> {
  /** Gradients of single samples that the Fisher matrix is made of, at most as many as there are samples. */
  readonly gradients: number;
  /** Share of the mean of the Fisher matrix's diagonal that is added to it. */
  readonly damping: number;
  /** Shares of each layer's weights to remove. */
  readonly sparsity: readonly number[];
  readonly bits: readonly number[];
}

export const defaultSaliencyOptions = {
  ...{
    loss: 'auto',
    gradients: 128,
    damping: 0.01,
    sparsity: [0.25, 0.5, 0.75],
    bits: [2, 3, 4],
    granularity: 'auto',
  },
  ...{ seed: 0, executionProvider: 'auto' },
} as const satisfies Omit<SaliencyOptions, 'model'>;

/** The diagonal of a curvature matrix as a file. */
export interface ExportDiagonalOptions extends MatrixOptions, Pick<AnalyzeOptions, 'seconds'> {
  /** Path of the .npz to write. */
  readonly output: string;
  /** Whether the elements of a convolution's kernel get their mean, which has less noise. */
  readonly average: boolean;
  /** Stop when ‖stderr‖ ≤ rtol · ‖diagonal‖. */
  readonly rtol: number;
  readonly maxProbes: number;
}

export const defaultExportDiagonalOptions = {
  ...{ loss: 'auto', matrix: 'hessian', average: false, rtol: 0.05, maxProbes: 200 },
  ...{ seed: 0, executionProvider: 'auto' },
} as const satisfies Omit<ExportDiagonalOptions, 'model' | 'output'>;
