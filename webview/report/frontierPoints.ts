import type { FrontierPoint, LayerReport, Report } from '../../src/engine/report/schema';
import { bitWidths, decidedLayers, sum } from './facts';

/** Every layer at the same width, for comparison. */
export interface UniformPoint {
  readonly bits: number;
  readonly bytes: number;
  readonly sensitivity: number;
}

/** Uniform widths, where every layer that takes part has a figure for the width. */
export function uniformPoints(report: Report): UniformPoint[] {
  const layers = decidedLayers(report);
  if (!layers.length) return [];
  return bitWidths(report).flatMap(bits => {
    const bytes = layers.map(layer => layer.sizeBytes[String(bits)]);
    const omega = layers.map(layer => layer.sensitivity[String(bits)]);
    const known = (value: number | undefined): value is number => value !== undefined;
    return bytes.every(known) && omega.every(known)
      ? [{ bits, bytes: sum(bytes), sensitivity: sum(omega) }]
      : [];
  });
}

/** Position of the point nearest in size; the suggestion's where none is asked for. */
export function nearestPoint(points: readonly FrontierPoint[], bytes: number): number {
  let best = 0;
  points.forEach((point, index) => {
    if (Math.abs(point.bytes - bytes) < Math.abs((points[best]?.bytes ?? Infinity) - bytes)) best = index;
  });
  return best;
}

/** The frontier from the smallest size up, whatever order the report keeps. */
export const bySize = (points: readonly FrontierPoint[]): FrontierPoint[] =>
  [...points].sort((a, b) => a.bytes - b.bytes);

export interface InspectedLayer {
  readonly layer: LayerReport;
  readonly bits: number;
}

/** The bit widths of a point beside the layers they belong to. */
export const inspectedLayers = (report: Report, point: FrontierPoint): InspectedLayer[] =>
  report.layers.flatMap((layer, index) => {
    const bits = point.bits[index] ?? null;
    return bits === null ? [] : [{ layer, bits }];
  });
