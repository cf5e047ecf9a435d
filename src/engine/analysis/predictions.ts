import type { Layer } from '../curvature/layers';
import { type LayerMetrics, type MetricName, metricNames } from '../report/metrics';
import type { LayerReport, Report } from '../report/schema';
import { sqnr } from '../sensitivity/sqnr';
import type { Model } from './model';
import { weightOf } from './quantizedWeight';

/** What a report says of a layer, by metric and width. */
export type Predicted = LayerMetrics;

/** The metrics that were measured, with the sensitivity and the SQNR, which every report allows. */
export function predictionsOf(model: Model, report: Report, found: LayerReport, layer: Layer): Predicted {
  const deciding = report.settings.sensitivityMatrix === 'hessian' ? 'omegaHessian' : 'omegaGgn';
  const byBits = (values: Readonly<Record<string, number>>, of: (value: number) => number) =>
    Object.fromEntries(
      Object.entries(values)
        .map(([bits, value]) => [bits, { value: of(value) }] as const)
        .filter(([, { value }]) => Number.isFinite(value)),
    );
  const weight = weightOf(model, layer);
  return {
    [deciding]: byBits(found.sensitivity, value => value),
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
