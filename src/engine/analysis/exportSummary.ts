import type { Layer } from '../curvature/layers';
import type { ExportPlan, WeightPlan } from '../export/plan';
import { FLOAT_BITS } from '../export/widths';
import type { Model } from './model';

/** What became of a layer. */
export interface ExportedLayer {
  readonly name: string;
  readonly initializer: string;
  readonly opType: string;
  readonly parameters: number;
  /** Width in the file that was read. */
  readonly from: number;
  /** Width of the levels; as `from` where the layer is as it was. */
  readonly to: number;
  /** Type of its integers in the file, such as int4; null where the layer is as it was. */
  readonly stored: string | null;
  readonly format: 'qdq' | 'matmulnbits' | null;
  /** Of its integers, scales and zero points; or of its values as they were. */
  readonly bytes: number;
  readonly note?: string;
}

export interface ExportSummary {
  readonly model: string;
  readonly output: string;
  /** All layers, in the order in which the model runs them. */
  readonly layers: readonly ExportedLayer[];
  /** Bytes of the file and its external data; `predicted` was known before anything was quantized. */
  readonly size: { readonly before: number; readonly predicted: number; readonly written: number };
  readonly operatorSet: { readonly before: number; readonly after: number };
  readonly notes: readonly string[];
}

/** @param ofWeight bytes of each weight that is quantized */
export function describeExport(
  { layers, currentBits }: Model,
  { weights, kept }: ExportPlan,
  ofWeight: ReadonlyMap<WeightPlan, number>,
): ExportedLayer[] {
  const planned = new Map(weights.map(w => [w.layer, w]));
  const reasons = new Map(kept.map(({ layer, reason }) => [layer, `stays as it is: ${reason}`]));
  return layers.map((layer: Layer) => {
    const { name, initializer, opType, size: parameters } = layer;
    const from = currentBits.get(initializer) ?? FLOAT_BITS;
    const common = { name, initializer, opType, parameters, from };
    const plan = planned.get(layer);
    if (!plan) {
      const note = reasons.get(layer);
      const bytes = Math.ceil((parameters * from) / 8);
      return { ...common, to: from, stored: null, format: null, bytes, ...(note ? { note } : {}) };
    }
    const { quantizer, storedBits, matrix, note } = plan;
    return {
      ...common,
      to: quantizer.bits,
      stored: `${quantizer.symmetric && !matrix ? '' : 'u'}int${storedBits}`,
      format: matrix ? 'matmulnbits' : 'qdq',
      bytes: ofWeight.get(plan)!,
      ...(note ? { note } : {}),
    };
  });
}
