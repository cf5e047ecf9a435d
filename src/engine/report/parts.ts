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
