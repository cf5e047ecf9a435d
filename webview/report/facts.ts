import type { Estimate, LayerReport, Report } from '../../src/engine/report/schema';

/** Layers that take part in the suggestion. */
export type DecidedLayer = LayerReport & { readonly bits: number };

export const decidedLayers = (report: Report): DecidedLayer[] =>
  report.layers.filter((layer): layer is DecidedLayer => layer.bits !== null);

export const sensitivityAt = (layer: LayerReport, bits: number | null): number | undefined =>
  bits === null ? undefined : layer.sensitivity[String(bits)];

/** The estimate that decides the bits: of the matrix chosen for it, or the GGN's where a layer has no Hessian. */
export const decidingTrace = (report: Report, layer: LayerReport): Estimate | undefined =>
  layer.trace[report.settings.sensitivityMatrix] ?? layer.trace.ggn;

export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

export const fp32Bytes = (layers: readonly LayerReport[]): number =>
  4 * sum(layers.map(layer => layer.parameters));

/** Bits in ascending order with the layers that keep them. */
export function layersByBits<L extends LayerReport>(
  layers: readonly L[],
  bitsOf: (layer: L, index: number) => number | null,
): Map<number, L[]> {
  const groups = new Map<number, L[]>();
  layers.forEach((layer, index) => {
    const bits = bitsOf(layer, index);
    if (bits !== null) groups.set(bits, [...(groups.get(bits) ?? []), layer]);
  });
  return new Map([...groups].sort(([a], [b]) => a - b));
}

export interface PredictedIncrease {
  readonly value: number;
  /** The errors of layers may be correlated, and the error of a sum is never above the sum of the errors. */
  readonly stderrAtMost: number;
}

/** ½ ΣΩ at the suggested bit widths. */
export function predictedIncrease(report: Report): PredictedIncrease | undefined {
  if (!report.budget) return undefined;
  const errors = decidedLayers(report).map(layer => layer.sensitivityStderr[String(layer.bits)] ?? 0);
  return { value: report.budget.chosen.sensitivity / 2, stderrAtMost: sum(errors) / 2 };
}

export const matrixName = (matrix: 'ggn' | 'hessian'): string => (matrix === 'ggn' ? 'GGN' : 'Hessian');

/** Every width that any layer has a figure for, in ascending order. */
export const bitWidths = (report: Report): number[] => [...report.settings.bits].sort((a, b) => a - b);
