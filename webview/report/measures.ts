import type { LayerReport, Report } from '../../src/engine/report/schema';
import { bitWidths, decidingTrace, matrixName } from './facts';

/** One bar of the sensitivity chart. */
export interface Bar {
  readonly layer: LayerReport;
  readonly value: number;
  readonly stderr: number;
}

/** A quantity that can be drawn for every layer. */
export interface Measure {
  readonly id: string;
  readonly label: string;
  readonly of: (layer: LayerReport) => Omit<Bar, 'layer'> | undefined;
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

/** Ends of a logarithmic axis: whole decades around every bar and as much of the errors as is above zero. */
export function logRange(shown: readonly Pick<Bar, 'value' | 'stderr'>[]): {
  readonly min: number;
  readonly max: number;
} {
  const positive = shown.filter(bar => bar.value > 0);
  if (!positive.length) return { min: 0.1, max: 10 };
  const lows = positive.map(bar => (bar.stderr < bar.value ? bar.value - bar.stderr : bar.value / 2));
  const highs = positive.map(bar => bar.value + bar.stderr);
  const decade = (value: number, round: (x: number) => number) => 10 ** round(Math.log10(value));
  // Half of the smallest end, so that the smallest bar still has a length.
  return { min: decade(Math.min(...lows) / 2, Math.floor), max: decade(Math.max(...highs), Math.ceil) };
}
