import type { Diagnostic, Report } from './schema';

/** A part of the way from the weights to the quantized ones. */
export interface TrustPoint {
  /** Share of the step. */
  readonly share: number;
  /** Change of the mean loss, and what the second-order model says of it. */
  readonly loss: { readonly measured: number; readonly predicted: number };
  /** ‖∇_l L‖, and the norm of what the model says of it. */
  readonly gradientNorm: { readonly measured: number; readonly predicted: number };
  /** Whether the prediction of the loss is within the tolerance. */
  readonly isTrusted: boolean;
}

/** One layer at one width. */
export interface TrustStep {
  readonly bits: number;
  /** ‖Q(W) − W‖². */
  readonly squaredError: number;
  /** gᵀδ and ½ δᵀHδ of the whole step. */
  readonly firstOrder: number;
  readonly secondOrder: number;
  readonly points: readonly TrustPoint[];
  /** The largest share up to which all points are trusted; 0 where the first is not. */
  readonly radius: number;
}

/** How far the second-order model holds along the layers' quantization errors; plain numbers, so that JSON holds all of it. */
export interface TrustReport {
  readonly format: 'curvature-trust';
  readonly tool: Report['tool'];
  readonly model: { readonly file: string; readonly sha256: string };
  readonly data: Report['data'];
  readonly settings: {
    readonly loss: Report['settings']['loss'];
    /** Predictions may be off by this share of what is measured, and by `rounding`. */
    readonly tolerance: number;
    readonly batch: number;
    readonly executionProvider: string;
  };
  /** What float32 sums of the loss leave uncertain. */
  readonly rounding: number;
  readonly device: string;
  readonly samples: number;
  readonly loss: number;
  readonly layers: readonly { readonly name: string; readonly steps: readonly TrustStep[] }[];
  readonly diagnostics: readonly Diagnostic[];
  /** Seconds per stage. */
  readonly timings: Readonly<Record<string, number>>;
}
