import { z } from 'zod';
import { agreementSchema, metricNames, metricValueSchema } from './metrics';
import { dataSchema, diagnosticSchema, lossSchema, toolSchema } from './parts';

/** The version of the proof's format; raised when a reader of the old one would misread the new one. */
export const PROOF_VERSION = 1;

/** A change against another model on the same samples; `stderr` is of the paired differences, the noise of the data. */
const changeSchema = metricValueSchema;

const predictedSchema = z.partialRecord(z.enum(metricNames), z.number());

export const allocationSchema = z.object({
  name: z.string(),
  /** `suggestion`: the report's, or the file's. `uniform`: one width for all. `metric`: chosen by another metric. `random`: drawn. */
  kind: z.enum(['suggestion', 'uniform', 'metric', 'random']),
  /** By layer. */
  bits: z.record(z.string(), z.number().int()),
  bytes: z.number(),
  effectiveBits: z.number(),
  /** Sums over the layers of what the report says of each alone, for SQNR of noise over signal; absent where it lacks a layer. */
  predicted: predictedSchema,
  loss: z.number(),
  accuracy: z.number().optional(),
  /** Against the model as it is. */
  lossChange: changeSchema,
  accuracyChange: changeSchema.optional(),
  /** Of the outputs from those of the model as it is: KL, or the mean squared change for mse. */
  divergence: metricValueSchema,
  /** The loss less that of the suggestion: positive where the suggestion is better. */
  lossOverSuggestion: changeSchema.optional(),
});

/** What a suggestion is worth, measured on data that the analysis has not seen. */
export const proofSchema = z.object({
  format: z.literal('curvature-proof'),
  version: z.literal(PROOF_VERSION),
  tool: toolSchema,
  model: z.object({ file: z.string(), sha256: z.string() }),
  /** Of the analysis that the suggestion comes from. */
  analysis: z.object({ createdAt: z.string(), data: dataSchema, samples: z.number().int() }),
  data: dataSchema,
  /** The first sample that was used, and how many. */
  skip: z.number().int(),
  samples: z.number().int(),
  settings: z.object({
    loss: lossSchema,
    bits: z.array(z.number().int()),
    random: z.number().int(),
    seed: z.number().int(),
    batch: z.number().int(),
  }),
  /** The model as it is. */
  unchanged: z.object({ loss: metricValueSchema, accuracy: metricValueSchema.optional() }),
  allocations: z.array(allocationSchema),
  /** Each layer alone at each width: predicted on the analysis's data, measured on these. */
  single: z.array(
    z.object({
      layer: z.string(),
      bits: z.number().int(),
      predicted: predictedSchema,
      deltaLoss: changeSchema,
      divergence: metricValueSchema,
    }),
  ),
  /** The widths at which the changes of half of the layers or more pass twice their noise: only there layers can be told apart. */
  resolvedBits: z.array(z.number().int()),
  /** How well each metric predicts what is measured; among layers of equal width over the resolved widths. */
  agreement: z.array(
    agreementSchema.extend({
      metric: z.enum(metricNames),
      measured: z.enum(['deltaLoss', 'divergence']),
      /** Spearman's ρ over the allocations. */
      allocations: z.number().nullable(),
    }),
  ),
  /** Sentences: whether the suggestion holds, and which metrics don't predict on this model. */
  verdicts: z.array(z.string()),
  diagnostics: z.array(diagnosticSchema),
  timings: z.record(z.string(), z.number()),
});

export type ProofAllocation = z.infer<typeof allocationSchema>;
export type Proof = z.infer<typeof proofSchema>;
