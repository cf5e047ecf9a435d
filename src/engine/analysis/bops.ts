import { layerMacs } from '../curvature/macs';
import type { ActivationReport, LayerReport } from '../report/schema';
import type { Model } from './model';
import type { SetUp } from './setUp';

/** The width of activations whose own is not chosen. */
const ACTIVATION_BITS = 8;

/**
 * Bit operations of each layer per width, HAWQ's: multiplications × bits of the weight × bits of the activation. An
 * activation that was measured has the weight's width, as in HAWQ-V3, whose kernels take pairs of one width; others have
 * 8 bits. Layers whose multiplications aren't known have none.
 */
export function layerBops(
  { layers, graph }: Model,
  { problem }: SetUp,
  bits: readonly number[],
  activations: readonly ActivationReport[],
): Pick<LayerReport, 'costs'>[] {
  const paired = new Set(activations.filter(isMeasured).flatMap(a => a.layers));
  return layers.map(layer => {
    const macs = layerMacs(layer, graph, problem.prepared.types, problem.batch);
    if (macs === undefined) return {};
    const bops = bits.map(b => [String(b), macs * b * (paired.has(layer.name) ? b : ACTIVATION_BITS)]);
    return { costs: { bops: Object.fromEntries(bops) as Record<string, number> } };
  });
}

export const isMeasured = ({ sensitivity }: ActivationReport): boolean => Object.keys(sensitivity).length > 0;
