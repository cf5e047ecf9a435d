import { z } from 'zod';
import { matrices } from '../curvature/matrices';
import { optimizers } from '../training/optimizers';
import { trainingSchema } from '../training/projectFile';
import { eigenvalueSchema, lossSchema, studyShape } from './parts';
import { traceReportSchema } from './spectrum';

/** The version of the format; raised when a reader of the old one would misread the new one. */
export const STABILITY_VERSION = 1;

/** What one optimizer allows on this loss, as far as its mean step goes. */
const optimizerBoundSchema = z.object({
  optimizer: z.enum(optimizers),
  momentum: z.number(),
  /** The largest λmax at the learning rate that is trained with. */
  largestCurvature: z.number(),
  /** The largest learning rate at the λmax that was measured; null for a λmax of another matrix. */
  learningRate: z.number().nullable(),
});

/** Learning rates between which the noise of batches decides: below the first training is stable, above the second it is not. */
const bandSchema = z.object({ sufficient: z.number(), necessary: z.number() });

/** Batches of one size. */
const batchSizeSchema = z.object({
  batchSize: z.number().int(),
  /** Random batches that were measured. */
  batches: z.number().int(),
  /** λmax of their Hessians. */
  largest: z.object({ mean: z.number(), stderr: z.number(), most: z.number() }),
  /** The same by a formula, from the noise of the batches along the top eigenvector. */
  formula: z.number(),
  /** False where the noise is no longer small beside the gap under λmax, so that the formula says nothing. */
  formulaHolds: z.boolean().optional(),
  /** The largest stable learning rate of a batch's own loss, from both; null where its λmax is not positive. */
  learningRate: z.object({ measured: z.number().nullable(), formula: z.number().nullable() }),
  /** For batches of this size. */
  band: bandSchema,
});

/** Heavy ball's fastest settings for curvatures between two bounds. */
const suggestionSchema = z.object({
  learningRate: z.number(),
  momentum: z.number(),
  /** The curvatures that they are made for. */
  from: z.number(),
  to: z.number(),
  /** The share of the positive curvature that these make up; 1 where all eigenvalues lie between. */
  share: z.number(),
});

/** Whether training goes on stably from a model's weights, and with what it would. The first diagnostic is the verdict. */
export const stabilitySchema = z.object({
  format: z.literal('curvature-stability'),
  version: z.literal(STABILITY_VERSION),
  ...studyShape,
  training: trainingSchema,
  settings: z.object({
    loss: lossSchema,
    matrix: z.enum(matrices),
    /** Divided by Adam's steps on both sides, taken from the gradients of random batches. */
    isPreconditioned: z.boolean(),
    batches: z.number().int(),
    seed: z.number().int(),
    batch: z.number().int(),
    executionProvider: z.string(),
  }),
  memory: z.object({ predictedBytes: z.number() }),
  size: z.number().int(),
  largest: eigenvalueSchema,
  smallest: eigenvalueSchema,
  trace: traceReportSchema,
  criticalBatchSize: z.number(),
  /** At the batch size that is trained with. */
  band: bandSchema,
  bounds: z.array(optimizerBoundSchema).readonly(),
  /** nσ² of the batches' Hessians, along the top eigenvector; null in partial reports before the first batches. */
  noise: z
    .object({
      variance: z.number(),
      stderr: z.number(),
      /** The same for the part along that eigenvector. */
      along: z.number().optional(),
    })
    .nullable(),
  batchSizes: z.array(batchSizeSchema).readonly(),
  suggestion: suggestionSchema,
});

export type BatchSizeReport = z.infer<typeof batchSizeSchema>;
export type StabilityReport = z.infer<typeof stabilitySchema>;
