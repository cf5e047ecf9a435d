import { CurvatureError } from '../errors';
import { type Estimate, relativeError, type TraceProgress } from './result';

/** How the trace of one operator is to be estimated. */
export interface OperatorTraceOptions {
  /** Names the probes' streams; recorded in the estimate. */
  readonly seed: number;
  /** Stop when stderr ≤ rtol · |estimate|. */
  readonly rtol: number;
  /** Products with the operator at most. */
  readonly maxProducts: number;
  readonly signal?: AbortSignal;
}

/** Progress of one operator's trace; `samples` and `cap` count products. */
export function operatorProgress(
  products: number,
  { seed, rtol, maxProducts }: OperatorTraceOptions,
  found?: { readonly estimate: number; readonly stderr: number; readonly samples: number },
  exact = false,
): TraceProgress {
  if (!found) return { estimates: [], samples: products, cap: maxProducts, relativeError: Infinity };
  const error = relativeError(found.estimate, found.stderr);
  const estimate: Estimate = { ...found, seed, exact, converged: exact || error <= rtol };
  return { estimates: [estimate], samples: products, cap: maxProducts, relativeError: error };
}

/** @throws CurvatureError `not-finite` naming the product */
export function requireFinite(value: number, product: number): number {
  if (Number.isFinite(value)) return value;
  throw new CurvatureError(
    'not-finite',
    `The curvature matrix gave ${value} in product ${product}.`,
    'Look for inputs or weights so large that float32 overflows; results of the products before it are kept.',
  );
}
