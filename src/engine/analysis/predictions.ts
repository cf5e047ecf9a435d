import type { Layer } from '../curvature/layers';
import { type LayerMetrics, type MetricName, metricNames } from '../report/metrics';
import type { Estimate, LayerReport } from '../report/schema';
import { omega } from '../sensitivity/omega';
import { sqnr } from '../sensitivity/sqnr';
import type { Model } from './model';
import { weightOf } from './quantizedLayers';

/** What a report says of a layer, by metric and width. */
export type Predicted = LayerMetrics;

/** The metrics that were measured, with those that every report allows: the sensitivity, Ω and SQNR. */
export function predictionsOf(model: Model, found: LayerReport, layer: Layer): Predicted {
  const byBits = (values: Readonly<Record<string, number>>, of: (value: number) => number) =>
    Object.fromEntries(
      Object.entries(values)
        .map(([bits, value]) => [bits, { value: of(value) }] as const)
        .filter(([, { value }]) => Number.isFinite(value)),
    );
  const weight = weightOf(model, layer);
  const omegas = (trace: Estimate | undefined) =>
    trace && byBits(found.quantizationError, error => omega(trace, layer.size, error).value);
  const { ggn, hessian } = found.trace;
  return {
    sensitivity: byBits(found.sensitivity, value => value),
    ...(ggn ? { omegaGgn: omegas(ggn) } : {}),
    ...(hessian ? { omegaHessian: omegas(hessian) } : {}),
    sqnr: byBits(found.quantizationError, error => sqnr(weight, error)),
    ...found.metrics,
  };
}

/**
 * What layers at their widths suffer together, as costs: the sum of each metric over the layers; for SQNR the sum of noise over signal
 * (Lin, Talathi & Annapureddy, "Fixed point quantization of deep convolutional networks", ICML 2016). A metric that lacks a layer is left out.
 */
export function allPredicted(
  layers: readonly Predicted[],
  bits: readonly number[],
): Partial<Record<MetricName, number>> {
  return Object.fromEntries(
    metricNames.flatMap(metric => {
      const values = layers.map((layer, l) => layer[metric]?.[String(bits[l])]?.value);
      if (values.includes(undefined)) return [];
      const costs = values.map(value => (metric === 'sqnr' ? 10 ** (-value! / 10) : value!));
      return [[metric, costs.reduce((sum, cost) => sum + cost, 0)]];
    }),
  );
}
