import { formatEstimate, methodWord } from '../../engine/report/format';
import type { LayerReport, Report } from '../../engine/report/schema';

/** What stands at the end of a layer's line: `8 bits · trace 12.3 ± 0.4`. Empty where nothing was measured. */
export function layerLabel(layer: LayerReport, report: Report): string {
  const estimate = layer.trace[report.settings.sensitivityMatrix] ?? layer.trace.ggn;
  const bits = layer.bits === null ? [] : [`${layer.bits} bits`];
  const trace = estimate ? [`trace ${formatEstimate(estimate)}`] : [];
  const method = methodWord(layer.method);
  return [...bits, ...trace, ...(method && estimate ? [method] : [])].join(' · ');
}
