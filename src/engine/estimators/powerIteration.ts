import { type LinearOperator } from '../curvature/linearOperator';
import { cancelled } from '../errors';
import { Rng } from '../util/rng';
import { dot, norm, scale, type Vector } from '../util/vector';
import { type RitzValue } from './result';
import { requireFinite } from './traceOptions';

export interface PowerIterationOptions {
  readonly seed: number;
  /** Largest relative residual ‖Av − θv‖/|θ|; 1e-3 by default. */
  readonly tolerance?: number;
  /** 100 by default. */
  readonly maxSteps?: number;
  readonly signal?: AbortSignal;
}

/**
 * The eigenvalue of largest magnitude, by repeated products with one vector. Slower than Lanczos and simpler: a check on it that
 * shares none of its code. Where two eigenvalues of opposite sign are equally large it does not converge.
 */
export async function powerIteration(
  operator: LinearOperator,
  { seed, tolerance = 1e-3, maxSteps = 100, signal }: PowerIterationOptions,
): Promise<RitzValue & { readonly steps: number }> {
  let v: Vector = Float64Array.from(Rng.of(seed, 'power').normals(operator.size));
  scale(1 / norm(v), v);
  let found: RitzValue = { value: 0, residual: Infinity, converged: false };
  let steps = 0;
  while (steps < maxSteps && !found.converged) {
    if (signal?.aborted) throw cancelled();
    const next = await operator.apply(v);
    steps++;
    const length = requireFinite(norm(next), steps);
    if (length === 0) return { value: 0, residual: 0, converged: true, steps };
    const value = dot(v, next);
    // ‖Av − θv‖² = ‖Av‖² − θ² for a unit vector v and θ = vᵀAv.
    const residual = Math.sqrt(Math.max(0, length * length - value * value)) / Math.abs(value);
    found = { value, residual, converged: residual <= tolerance };
    scale(1 / length, next);
    v = next;
  }
  return { ...found, steps };
}
