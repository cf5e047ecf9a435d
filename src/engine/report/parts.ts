import { z } from 'zod';

/** Parts that several formats have in common. */

export const toolSchema = z.object({ name: z.string(), version: z.string() });

export const lossSchema = z.enum(['cross-entropy', 'mse', 'kl']);

const arraySchema = z.object({ name: z.string(), elemType: z.string(), shape: z.array(z.number().int()) });

export const dataSchema = z.object({
  source: z.enum(['file', 'synthetic']),
  file: z.string().optional(),
  sha256: z.string().optional(),
  arrays: z.array(arraySchema),
  labels: z.string().optional(),
});

export const diagnosticSchema = z.object({
  severity: z.enum(['error', 'warning', 'info']),
  code: z.string(),
  message: z.string(),
  node: z.string().optional(),
  layer: z.string().optional(),
});

/** One estimated number. `stderr` is the probes' own noise on the given data; 0 with `exact` when nothing was sampled. */
export const estimateSchema = z.object({
  estimate: z.number(),
  stderr: z.number().nonnegative(),
  /** What other samples of the same kind would change it by, as one standard error; absent where nothing tells. */
  dataStderr: z.number().nonnegative().optional(),
  /** How many probes (Hutchinson) or draws per sample (GGN) the estimate rests on. */
  samples: z.number().int().nonnegative(),
  seed: z.number().int(),
  /** True when every direction was taken, so that only rounding is left. */
  exact: z.boolean(),
  /** Whether stderr/|estimate| fell below the tolerance; false when the cap on probes was reached first. */
  converged: z.boolean(),
});

/** A Ritz value with its relative residual. */
export const eigenvalueSchema = z.object({ value: z.number(), residual: z.number(), converged: z.boolean() });

/** Seconds per stage. */
export const timingsSchema = z.record(z.string(), z.number());

/** What reports of one measurement have in common: by what, of what and on what it was made, and how it went. */
export const studyShape = {
  /** False for what there is of a run that is under way, or that was stopped; absent in older reports, which are whole. */
  complete: z.boolean().optional(),
  tool: toolSchema,
  /** Its file, without the folders that it lies in. */
  model: z.object({ file: z.string(), sha256: z.string() }),
  data: dataSchema,
  device: z.string(),
  samples: z.number().int(),
  diagnostics: z.array(diagnosticSchema).readonly(),
  timings: timingsSchema,
};
