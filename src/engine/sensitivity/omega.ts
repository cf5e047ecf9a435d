import { invariant } from '../errors';

export interface Omega {
  /** Never negative. */
  readonly value: number;
  /** The part of the error that comes from the trace's. */
  readonly stderr: number;
  /** True where the trace was estimated below zero and 0 was taken in its place: to be reported. */
  readonly clamped: boolean;
}

/**
 * HAWQ-V2's sensitivity of one layer at one bit width: Ω = (tr(H_l)/n_l) · ‖Q(W_l) − W_l‖².
 *
 * Dong et al., "HAWQ-V2" (NeurIPS 2020), eq. 7; the factor ½ of the second-order expansion is dropped there
 * and here. A negative trace can't make coarser quantization better, so it counts as 0.
 *
 * @param trace of the layer's block, with its standard error
 * @param parameters n_l, at least 1
 * @param quantizationError ‖Q(W_l) − W_l‖²
 */
export function omega(
  trace: { readonly estimate: number; readonly stderr: number },
  parameters: number,
  quantizationError: number,
): Omega {
  invariant(parameters > 0, 'a layer without parameters');
  const perUnitOfTrace = quantizationError / parameters;
  return {
    value: Math.max(trace.estimate, 0) * perUnitOfTrace,
    stderr: trace.stderr * perUnitOfTrace,
    clamped: trace.estimate < 0,
  };
}
