import { formatEstimate } from '../../engine/report/format';
import type { LayerReport, Report } from '../../engine/report/schema';

/** What stands at the end of a layer's line: `8 bits · trace 12.3 ± 0.4`. Empty where nothing was measured. */
export function layerLabel(layer: LayerReport, report: Report): string {
  const estimate = layer.trace[report.settings.sensitivityMatrix];
  const bits = layer.bits === null ? [] : [`${layer.bits} bits`];
  const trace = estimate ? [`trace ${formatEstimate(estimate)}`] : [];
  return [...bits, ...trace].join(' · ');
}
