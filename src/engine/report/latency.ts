import { z } from 'zod';
import { exportFormats } from '../export/options';

/** A median over rounds of runs in milliseconds, and the range of their middle half. */
export const timeSchema = z.object({ ms: z.number().nonnegative(), spread: z.number().nonnegative() });

/** What a layer's nodes take alone, beside `costs.latency`. */
export const layerLatencySchema = z.object({
  float32: timeSchema,
  /** Interquartile range of `costs.latency` per bit width, in ms. */
  spread: z.record(z.string(), z.number().nonnegative()),
  /** How each bit width was stored: the operator and the width of its integers, or `float32` where the export leaves the layer as it is. */
  stored: z.record(z.string(), z.string()),
});

export const latencySchema = z.object({
  /** As `curvature quantize --format` would store the layers. */
  format: z.enum(exportFormats),
  device: z.string(),
  /** 0 for ONNX Runtime's own choice, one for each physical core. */
  threads: z.number().int(),
  /** Samples to a run. */
  batch: z.number().int(),
  /** A call of the whole model in float32, once all layers are measured. */
  model: timeSchema.optional(),
});

export type Time = z.infer<typeof timeSchema>;
export type LayerLatency = z.infer<typeof layerLatencySchema>;
export type Latency = z.infer<typeof latencySchema>;
