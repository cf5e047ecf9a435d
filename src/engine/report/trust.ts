import { z } from 'zod';
import { lossSchema, studyShape } from './parts';

const bothSchema = z.object({ measured: z.number(), predicted: z.number() });

/** A part of the way from the weights to the quantized ones. */
const trustPointSchema = z.object({
  /** Share of the step. */
  share: z.number(),
  /** Change of the mean loss, and what the second-order model says of it. */
  loss: bothSchema,
  /** ‖∇_l L‖, and the norm of what the model says of it. */
  gradientNorm: bothSchema,
  /** Whether the prediction of the loss is within the tolerance. */
  isTrusted: z.boolean(),
});

/** One layer at one width. */
const trustStepSchema = z.object({
  bits: z.number().int(),
  /** ‖Q(W) − W‖². */
  squaredError: z.number(),
  /** gᵀδ and ½ δᵀHδ of the whole step. */
  firstOrder: z.number(),
  secondOrder: z.number(),
  points: z.array(trustPointSchema).readonly(),
  /** The largest share up to which all points are trusted; 0 where the first is not. */
  radius: z.number(),
});

/** How far the second-order model holds along the layers' quantization errors. */
export const trustSchema = z.object({
  format: z.literal('curvature-trust'),
  ...studyShape,
  settings: z.object({
    loss: lossSchema,
    /** Predictions may be off by this share of what is measured, and by `rounding`. */
    tolerance: z.number(),
    batch: z.number().int(),
    executionProvider: z.string(),
  }),
  /** What float32 sums of the loss leave uncertain. */
  rounding: z.number(),
  loss: z.number(),
  layers: z.array(z.object({ name: z.string(), steps: z.array(trustStepSchema).readonly() })).readonly(),
});

export type TrustPoint = z.infer<typeof trustPointSchema>;
export type TrustStep = z.infer<typeof trustStepSchema>;
export type TrustReport = z.infer<typeof trustSchema>;
