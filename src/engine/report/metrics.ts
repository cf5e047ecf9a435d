import { z } from 'zod';

/**
 * What a quantization of one layer can be judged by, in the order in which tables show them. `sensitivity` is what bits are chosen by: Ω, and
 * at coarse widths what was measured in its place; it stands in the layers' own fields and is a metric in proofs only.
 */
export const metricNames = [
  'sensitivity',
  'omegaGgn',
  'omegaHessian',
  'expansion',
  'fit',
  'inputWeighted',
  'sqnr',
  'deltaLoss',
  'divergence',
] as const;
export type MetricName = (typeof metricNames)[number];

/** Short names, for tables and sentences. */
export const metricTitles: Readonly<Record<MetricName, string>> = {
  sensitivity: 'sensitivity',
  omegaGgn: 'Ω (GGN)',
  omegaHessian: 'Ω (Hessian)',
  expansion: 'gᵀδ+½δᵀHδ',
  fit: 'FIT',
  inputWeighted: 'XᵀX',
  sqnr: 'SQNR',
  deltaLoss: 'ΔL',
  divergence: 'divergence',
};

/** The metrics that predict; the others are measured by running the quantized model. */
export const predictions: readonly MetricName[] = metricNames.filter(
  name => name !== 'deltaLoss' && name !== 'divergence',
);

/** A metric as a cost: larger is worse. */
export const asCost = (metric: MetricName, value: number): number => (metric === 'sqnr' ? -value : value);

/** `stderr` is the probes' noise for Ω and FIT, and the noise of the data for `expansion`, `deltaLoss` and `divergence`; absent where there is none. */
export const metricValueSchema = z.object({ value: z.number(), stderr: z.number().nonnegative().optional() });

/** By metric, and by width. */
export const layerMetricsSchema = z.partialRecord(
  z.enum(metricNames),
  z.record(z.string(), metricValueSchema),
);

const intervalSchema = z.object({ low: z.number(), high: z.number() });
const rho = z.number().nullable();

/** Spearman's rank correlations over single-layer quantizations; intervals hold 95 % of redraws of the layers. */
export const agreementSchema = z.object({
  /** Over all layers and widths together. */
  all: rho,
  allInterval: intervalSchema.optional(),
  /** Among layers of equal width, the mean over the widths. */
  acrossLayers: rho,
  acrossLayersInterval: intervalSchema.optional(),
  byWidth: z.record(z.string(), rho),
  count: z.number().int(),
});

export const metricsSchema = z.object({
  correlations: z.array(agreementSchema.extend({ first: z.enum(metricNames), second: z.enum(metricNames) })),
  /** All layers at one width together. */
  uniform: z.array(
    z.object({
      bits: z.number().int(),
      /** gᵀδ and ½ δᵀHδ over all layers with second derivatives, and the part of the latter between layers; absent without such layers. */
      expansion: z.object({ linear: z.number(), quadratic: z.number(), interactions: z.number() }).optional(),
      deltaLoss: metricValueSchema,
      divergence: metricValueSchema,
    }),
  ),
});

export type MetricValue = z.infer<typeof metricValueSchema>;
export type LayerMetrics = z.infer<typeof layerMetricsSchema>;
export type Metrics = z.infer<typeof metricsSchema>;
