import { bestWithin } from '../allocation/bestWithin';
import type { SumOfLayers } from '../allocation/jointSearch';
import type { AllocationProblem } from '../allocation/problem';
import type { Layer } from '../curvature/layers';
import type { MetricName } from '../report/metrics';
import type { LayerReport } from '../report/schema';
import type { Model } from './model';
import { allPredicted, predictionsOf } from './predictions';

/** Whose sums are followed besides the sensitivities' own, where every layer has them. */
const OTHERS: readonly MetricName[] = ['sqnr', 'omegaGgn', 'omegaHessian'];

/**
 * The sums that joint searches follow: the sensitivities' own first, from the bits of the report.
 * @param reports in the order of `entries` and `layers`
 * @param limit on the bytes
 */
export function sumsOf(
  model: Model,
  reports: readonly LayerReport[],
  layers: readonly Layer[],
  { layers: entries }: AllocationProblem,
  limit: number,
): SumOfLayers[] {
  const menusBy = (costOf: (l: number, c: number) => number): SumOfLayers['menus'] =>
    entries.map(({ choices }, l) =>
      choices.map(({ costs }, c) => ({ sensitivity: costOf(l, c), costs: [costs.bytes] })),
    );
  const own: SumOfLayers = {
    menus: menusBy((l, c) => entries[l].choices[c].sensitivity),
    start: entries.map(({ choices }, l) => choices.findIndex(({ bits }) => bits === reports[l].bits)),
  };
  const predicted = reports.map((report, l) => predictionsOf(model, report, layers[l]));
  const others = OTHERS.flatMap((metric): SumOfLayers[] => {
    const costs = entries.map(({ choices }, l) =>
      choices.map(({ bits }) => allPredicted([predicted[l]], [bits])[metric]),
    );
    if (costs.flat().includes(undefined)) return [];
    const menus = menusBy((l, c) => costs[l][c]!);
    return [{ menus, start: bestWithin(menus, limit).picks! }];
  });
  return [own, ...others];
}
