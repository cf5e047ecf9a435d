import { z } from 'zod';
import { matrices } from '../curvature/matrices';
import { lossSchema, studyShape } from './parts';

/** The version of the format; raised when a reader of the old one would misread the new one. */
export const COUPLING_VERSION = 1;

const withErrorSchema = z.object({
  estimate: z.number(),
  /** Of the random vectors; 0 where none were needed. */
  stderr: z.number(),
});

/** Whether what layers cost alone adds up to what they cost together. */
const additivitySchema = z.object({
  /** The width whose rounding errors are meant; null for errors of one size in all weights. */
  bits: z.number().int().nullable(),
  /** One standard deviation of what layers cost through each other, beside the sum of what they cost alone, for errors of random signs. */
  spread: z.number(),
  verdict: z.enum(['additive', 'roughly-additive', 'not-additive']),
  message: z.string(),
});

/** How the layers of a model share curvature. */
export const couplingSchema = z.object({
  format: z.literal('curvature-coupling'),
  version: z.literal(COUPLING_VERSION),
  ...studyShape,
  settings: z.object({
    loss: lossSchema,
    matrix: z.enum(matrices),
    probes: z.number().int(),
    /** Seconds that the run was given, where they were limited. */
    seconds: z.number().positive().optional(),
    seed: z.number().int(),
    batch: z.number().int(),
    executionProvider: z.string(),
  }),
  /** Random vectors on each layer that the numbers rest on, where they are fewer than asked for. */
  probes: z.number().int().optional(),
  layers: z.array(z.object({ name: z.string(), parameters: z.number().int() })).readonly(),
  /** ‖H_lm‖_F, in the order of the layers. */
  norms: z.array(z.array(withErrorSchema).readonly()).readonly(),
  traces: z.array(withErrorSchema).readonly(),
  /** The share of ‖H‖_F² that lies outside of the diagonal blocks. */
  shareOutside: withErrorSchema,
  additivity: additivitySchema,
});

export type WithError = z.infer<typeof withErrorSchema>;
export type Additivity = z.infer<typeof additivitySchema>;
export type CouplingReport = z.infer<typeof couplingSchema>;
