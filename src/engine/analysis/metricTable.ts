import type { Layer } from '../curvature/layers';
import {
  asCost,
  type LayerMetrics,
  type MetricName,
  metricNames,
  type Metrics,
  type MetricValue,
} from '../report/metrics';
import { agreement, type Table } from '../sensitivity/agreement';

/** Metrics of single layers as they are found. */
export class MetricTable {
  private readonly values = new Map<string, Partial<Record<MetricName, Record<string, MetricValue>>>>();

  /** Numbers that are not finite, such as the SQNR of a weight without error, are left out; so is a noise of zero. */
  set({ initializer }: Layer, metric: MetricName, bits: number, { value, stderr = 0 }: MetricValue): void {
    if (!Number.isFinite(value)) return;
    const ofLayer = this.values.get(initializer) ?? {};
    this.values.set(initializer, ofLayer);
    (ofLayer[metric] ??= {})[String(bits)] = stderr > 0 ? { value, stderr } : { value };
  }

  of({ initializer }: Layer): LayerMetrics | undefined {
    return this.values.get(initializer);
  }
}

/** Rank correlations between all pairs of metrics that there are. */
export function correlationsOf(
  layers: readonly (LayerMetrics | undefined)[],
  widths: readonly number[],
  seed: number,
): Metrics['correlations'] {
  const present = metricNames.filter(name => layers.some(layer => layer?.[name]));
  const tables = new Map(present.map(name => [name, costTable(layers, name, widths)]));
  return present.flatMap((first, i) =>
    present.slice(i + 1).map(second => ({
      first,
      second,
      ...agreement(tables.get(first)!, tables.get(second)!, widths, seed),
    })),
  );
}

/** A metric of the layers by width, with larger numbers for what is worse. */
export const costTable = (
  layers: readonly (LayerMetrics | undefined)[],
  metric: MetricName,
  widths: readonly number[],
): Table =>
  layers.map(layer =>
    widths.map(bits => {
      const found = layer?.[metric]?.[String(bits)];
      return found && asCost(metric, found.value);
    }),
  );
