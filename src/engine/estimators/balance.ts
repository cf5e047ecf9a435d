/** A layer's trace counts for this share of the largest one at least: of less nothing is sure, and its part of a probe would be noise to all others. */
const LEAST_SHARE = 1e-3;

/**
 * What to scale each layer's part of a probe by, from 1 up. Layer m adds 2‖H_lm‖_F² (α_m/α_l)² to the variance of layer l's form over its scale
 * squared; with α ∝ tr⁻¹ᐟ² that is about the same share of every layer's trace, where equal parts drown the small ones in the large ones'. The
 * mean does not hang on the scales, so that rough traces will do.
 * @param traces rough, such as those of the Gauss–Newton matrix
 */
export function balancingScales(traces: readonly number[]): number[] {
  const largest = Math.max(...traces);
  if (!(largest > 0) || !Number.isFinite(largest)) return traces.map(() => 1);
  return traces.map(trace => Math.sqrt(1 / Math.max(trace / largest, LEAST_SHARE)));
}
