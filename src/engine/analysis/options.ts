import type { ExportFormat } from '../export/options';
import type { CalibrationMethod } from '../quantization/calibrate';
import type { GranularityChoice } from '../quantization/quantizer';
import type { MetricName } from '../report/metrics';

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
  /** `8MB`, `120KB`, `4.5bits`, `4x`, or a fraction of the way from all layers at 4 bits to all at 8 such as `0.5`. */
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
