import { z } from 'zod';
import { matrices } from '../curvature/matrices';
import { eigenvalueSchema, estimateSchema, lossSchema, studyShape } from './parts';

/** The version of the format; raised when a reader of the old one would misread the new one. */
export const SPECTRUM_VERSION = 1;

export const traceReportSchema = estimateSchema.extend({
  /** An estimator over products, or the squared gradients of the samples, which are the empirical Fisher matrix's trace. */
  method: z.enum(['exact', 'xtrace', 'hutch++', 'hutchinson', 'gradients']),
  /** Products, or gradients. */
  products: z.number().int(),
  /** Low and high end; holds the trace with 95 %, by Student's t. */
  interval: z.tuple([z.number(), z.number()]).readonly(),
});

const probeEstimateSchema = z.object({
  estimate: z.number(),
  stderr: z.number(),
  samples: z.number().int(),
});

const quadratureSchema = z.object({
  nodes: z.array(z.number()).readonly(),
  weights: z.array(z.number()).readonly(),
  /** The mean of max(0, −λ) a step before, which tells how well it is known; absent where the nodes are eigenvalues. */
  meanNegativeBefore: z.number().optional(),
});

/** What is known of a whole spectrum from two start vectors or more. All errors are of the start vectors' noise on the given data. */
const densitySchema = z.object({
  /** Eigenvalues and their shares, one set for each start vector; densities of any width are made from them. */
  quadratures: z.array(quadratureSchema).readonly(),
  /** Eigenvalues known by themselves, largest magnitude first. */
  outliers: z.array(eigenvalueSchema).readonly(),
  largest: eigenvalueSchema,
  smallest: eigenvalueSchema,
  /** Σλ, beside the trace's own estimate. */
  sum: probeEstimateSchema,
  frobeniusNorm: probeEstimateSchema,
  /** The negative share of Σ|λ|. */
  negativeMass: probeEstimateSchema,
  /** (Σ|λ|)²/Σλ². */
  effectiveRank: probeEstimateSchema,
  /** The Wasserstein distance to the exact spectrum is at most `bound`, but for a chance of `failure`. */
  wasserstein: z.object({ bound: z.number(), failure: z.number() }),
});

/** The spectrum of one curvature matrix. */
export const spectrumSchema = z.object({
  format: z.literal('curvature-spectrum'),
  version: z.literal(SPECTRUM_VERSION),
  ...studyShape,
  settings: z.object({
    loss: lossSchema,
    matrix: z.enum(matrices),
    /** The parameters that the matrix is taken over, by the names that people see; all of the model's where `isWhole`. */
    parameters: z.array(z.string()).readonly(),
    isWhole: z.boolean(),
    steps: z.number().int(),
    probes: z.number().int(),
    rtol: z.number(),
    /** Seconds that the run was given, where they were limited. */
    seconds: z.number().positive().optional(),
    maxProducts: z.number().int(),
    seed: z.number().int(),
    batch: z.number().int(),
    executionProvider: z.string(),
  }),
  memory: z.object({ predictedBytes: z.number() }),
  /** Classes that the loss tells apart; absent for losses without any, and for several outputs. */
  classes: z.number().int().optional(),
  /** Rows of the matrix. */
  size: z.number().int(),
  trace: traceReportSchema.nullable(),
  density: densitySchema.nullable(),
  /** The eigenvalue of largest magnitude by power iteration, where it was asked for. */
  crossCheck: eigenvalueSchema.extend({ steps: z.number().int() }).optional(),
});

export type TraceReport = z.infer<typeof traceReportSchema>;
export type Density = z.infer<typeof densitySchema>;
export type SpectrumReport = z.infer<typeof spectrumSchema>;
