import type { LayerReport, Report } from '../../src/engine/report/schema';
import type { Figure } from '../shared/logRange';
import { bitWidths, decidingTrace, matrixName } from './facts';

/** One bar of the sensitivity chart. */
export interface Bar extends Figure {
  readonly layer: LayerReport;
}

/** A quantity that can be drawn for every layer. */
export interface Measure {
  readonly id: string;
  readonly label: string;
  readonly of: (layer: LayerReport) => Figure | undefined;
}

const omegaAt = (layer: LayerReport, bits: number | null) => {
  const value = layer.sensitivity[String(bits)];
  return value === undefined ? undefined : { value, stderr: layer.sensitivityStderr[String(bits)] ?? 0 };
};

export function measures(report: Report): Measure[] {
  return [
    {
      id: 'averageTrace',
      label: `Average ${matrixName(report.settings.sensitivityMatrix)} trace`,
      of: layer => {
        if (layer.averageTrace === null) return undefined;
        const stderr = (decidingTrace(report, layer)?.stderr ?? 0) / layer.parameters;
        return { value: layer.averageTrace, stderr };
      },
    },
    { id: 'suggested', label: 'Ω at the chosen bits', of: layer => omegaAt(layer, layer.bits) },
    ...bitWidths(report).map(bits => ({
      id: String(bits),
      label: `Ω at ${bits} bits`,
      of: (layer: LayerReport) => omegaAt(layer, bits),
    })),
  ];
}

export function bars(report: Report, measure: Measure, byValue: boolean): Bar[] {
  const found = report.layers.flatMap(layer => {
    const figures = measure.of(layer);
    return figures ? [{ layer, ...figures }] : [];
  });
  return byValue ? found.sort((a, b) => b.value - a.value) : found;
}
