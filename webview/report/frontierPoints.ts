import type { FrontierPoint, Report } from '../../src/engine/report/schema';
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

/** The frontier from the smallest size up, whatever order the report keeps. */
export const bySize = (points: readonly FrontierPoint[]): FrontierPoint[] =>
  [...points].sort((a, b) => a.bytes - b.bytes);
