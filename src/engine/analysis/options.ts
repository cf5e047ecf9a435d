import type { Matrix } from '../curvature/matrices';
import type { TraceMethod } from '../estimators/trace';
import type { ExportFormat } from '../export/options';
import type { CalibrationMethod } from '../quantization/calibrate';
import type { GranularityChoice } from '../quantization/quantizer';
import type { MetricName } from '../report/metrics';
import type { Report } from '../report/schema';
import type { ProbeJournal } from './journal';
import type { Training } from '../training/optimizers';

export type LossChoice = 'auto' | 'cross-entropy' | 'mse' | 'kl';
export type MatrixChoice = 'ggn' | 'hessian' | 'both';

/** Everything an analysis depends on. Two analyses with equal options and files give equal reports but for times. */
export interface AnalyzeOptions {
  /** Path of the .onnx file. */
  readonly model: string;
  /** Path of the .npz file; without it the analysis is label-free on synthetic inputs. */
  readonly data?: string;
  /** Name of the array of labels or targets in the data file; `labels` or `targets` by default. */
  readonly labels?: string;
  readonly loss: LossChoice;
  /** Names of the outputs to measure; by default the one that the labels fit, or without labels all of them. */
  readonly outputs?: readonly string[];
  readonly matrix: MatrixChoice;
  /** How many of the Hessian's largest eigenvalues to find; 0 for none. */
  readonly eigenvalues: number;
  /** How many samples of the data to use; all by default. */
  readonly samples?: number;
  /** Samples per run of the derivative graph; as many as fit into memory by default, 64 at most. */
  readonly batch?: number;
  /** What the process may take, such as `4GB`; half of the free memory by default, 8 GB at most. */
  readonly memory?: string;
  /** Stop probing when stderr/|estimate| of every layer is below this. */
  readonly rtol: number;
  readonly maxProbes: number;
  /** Seconds after which no more probes are drawn than an error bar needs; as many as `rtol` and `maxProbes` ask for by default. */
  readonly seconds?: number;
  /** Candidate bit widths, 2 to 16. */
  readonly bits: readonly number[];
  /** Which weights of a layer share a scale. */
  readonly granularity: GranularityChoice;
  /** `8MB`, `120KB`, `4.5bits`, or a fraction between the smallest and largest width such as `0.5`. */
  readonly budget: string;
  /** How the ranges of activations are found, where activations are to be measured. */
  readonly activations?: CalibrationMethod;
  /**
   * At widths up to this each layer is quantized alone and the model run, and its sensitivity is what the outputs change by: there the
   * quadratic model can't be relied on. 0 for never.
   */
  readonly measureUpTo: number;
  /**
   * How many whole choices of widths around the one of least ΣΩ are run on the data, to suggest the one that changes the outputs least;
   * the one of least ΣΩ is suggested as it is below 2, and on synthetic inputs.
   */
  readonly jointRuns: number;
  /** Measure metrics side by side: the loss with each layer quantized alone, its expansion, FIT, and others. */
  readonly metrics?: boolean;
  /** Time each layer on this machine's CPU at each width, stored as the export stores it in this format; not at all where absent. */
  readonly latency?: ExportFormat;
  readonly seed: number;
  /** ONNX Runtime execution provider: `cpu`, `cuda`, `webgpu`, `dml`, `coreml`; or `auto`, the fastest that computes rightly. */
  readonly executionProvider: string;
}

export const defaultOptions: Omit<AnalyzeOptions, 'model'> = {
  loss: 'auto',
  matrix: 'ggn',
  eigenvalues: 5,
  rtol: 0.05,
  maxProbes: 100,
  bits: [2, 3, 4, 8],
  granularity: 'auto',
  budget: '0.5',
  measureUpTo: 3,
  jointRuns: 32,
  seed: 0,
  executionProvider: 'auto',
};

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

export interface AnalyzeHooks {
  readonly onProgress?: (progress: Progress) => void;
  /** Called with all results so far after each probe, at most a few times a second. */
  readonly onPartial?: (report: Report) => void;
  /** Keeps the probes of the traces as they are drawn, and has those of a run that is resumed. */
  readonly journal?: ProbeJournal;
  /** The clock of `seconds`, in milliseconds; `performance.now` by default. */
  readonly now?: () => number;
  readonly signal?: AbortSignal;
}

/** A node of the model as the text view shows it. */
export interface NodeDescription {
  readonly name: string;
  readonly opType: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** `name=value` in the file's order; long values are shortened. */
  readonly attributes: readonly string[];
  /** Names of the layers whose weight this node uses. */
  readonly layers: readonly string[];
}

export interface TensorDescription {
  readonly name: string;
  /** ONNX's name in lower case; `sequence`, `optional` and the like for an output that is no tensor, `unknown` for one without a type. */
  readonly elemType: string;
  /** Numbers, or names of symbolic dimensions; absent where the file tells none. */
  readonly shape?: readonly (number | string)[];
}

/** What can be told of a model by reading it, without running anything. */
export interface ModelDescription {
  readonly file: string;
  readonly opset: number;
  readonly producer: string;
  readonly parameters: number;
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
  readonly initializers: readonly TensorDescription[];
  readonly nodes: readonly NodeDescription[];
}

export interface HvpOptions {
  readonly model: string;
  readonly output: string;
  readonly data?: string;
  readonly loss: LossChoice;
  /** Names of the outputs whose loss is differentiated, as for an analysis. */
  readonly outputs?: readonly string[];
  readonly batch?: number;
  /** Globs over parameter names; all parameters by default. */
  readonly parameters?: readonly string[];
}

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

/** Of all commands that measure something beside an analysis. @template R what they report */
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

/** Everything a proof depends on; names that it shares with `AnalyzeOptions` mean the same. */
export interface ProveOptions extends Pick<
  AnalyzeOptions,
  'model' | 'labels' | 'samples' | 'batch' | 'memory' | 'seed' | 'executionProvider'
> {
  /** Path of the report whose bits are measured. */
  readonly report: string;
  /** Path of an .npz file with samples that the analysis did not use. */
  readonly data: string;
  /** How many samples to leave out at the beginning. */
  readonly skip?: number;
  /** Path of a file of bit widths to measure in place of the report's suggestion. */
  readonly bits?: string;
  /** How many random allocations of the same size to compare with. */
  readonly random: number;
  /** Metrics that choose allocations of the same size to compare with. */
  readonly rivals: readonly MetricName[];
}

export const defaultProveOptions = {
  random: 8,
  rivals: ['sqnr'],
  seed: 0,
  executionProvider: 'auto',
} as const satisfies Omit<ProveOptions, 'model' | 'report' | 'data'>;

export type ProveHooks = Pick<AnalyzeHooks, 'onProgress' | 'signal'>;
