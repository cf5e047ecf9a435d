import type { Measured } from '../sensitivity/sampleMean';
import type { Diagnostic, Report } from './schema';

/** A change δ of a layer's weights, and what the loss rises by. */
export interface Change {
  /** ½ δᵀFδ, which corrections make small; no forecast, as the gradients of few samples see few directions. */
  readonly fisher: number;
  /** gᵀδ + ½ δᵀHδ on all samples; null where the layer has no second derivatives. Fails for steps too long for second order. */
  readonly predicted: Measured | null;
  readonly measured: Measured;
}

/** The same change alone, and with the layer's other weights making up for it. */
export interface CorrectedChange {
  readonly plain: Change;
  readonly corrected: Change;
}

export interface LayerSaliency {
  readonly name: string;
  readonly parameters: number;
  /** λ that was added to the diagonal. */
  readonly damping: number;
  /** w²/(2 [F⁻¹]_ii): least, quartiles, largest. */
  readonly quantiles: readonly [number, number, number, number, number];
  /** Σ of it over the layer. */
  readonly total: number;
  /** The least salient weights removed; `saliency` is the sum of theirs. */
  readonly pruned: readonly ({ readonly sparsity: number; readonly saliency: number } & CorrectedChange)[];
  /** All weights rounded. */
  readonly quantized: readonly ({ readonly bits: number } & CorrectedChange)[];
}

/** Inverse curvature layer by layer; plain numbers, so that JSON holds all of it. */
export interface SaliencyReport {
  readonly format: 'curvature-saliency';
  readonly version: 1;
  /** False for what there is of a run that is under way, or that was stopped. */
  readonly complete: boolean;
  readonly tool: Report['tool'];
  readonly model: { readonly file: string; readonly sha256: string };
  readonly data: Report['data'];
  readonly settings: {
    readonly loss: Report['settings']['loss'];
    readonly gradients: number;
    /** Share of the mean of the diagonal. */
    readonly damping: number;
    readonly executionProvider: string;
  };
  readonly device: string;
  /** Samples that the loss is measured on. */
  readonly samples: number;
  readonly loss: number;
  readonly layers: readonly LayerSaliency[];
  readonly diagnostics: readonly Diagnostic[];
  /** Seconds per stage. */
  readonly timings: Readonly<Record<string, number>>;
}
