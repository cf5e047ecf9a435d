import { CurvatureError } from '../errors';
import { studentT } from '../util/studentT';
import { type TimeSpent } from '../util/timeBudget';
import type { Keeper } from './keeper';
import { type Estimate, relativeError, type TraceProgress } from './result';

/** How the trace of one operator is to be estimated. */
export interface OperatorTraceOptions {
  /** Names the probes' streams; recorded in the estimate. */
  readonly seed: number;
  /** Stop when stderr ≤ rtol · |estimate|, with room for what few vectors don't know of their own spread. */
  readonly rtol: number;
  /** Products with the operator at most. */
  readonly maxProducts: number;
  /** Ends the search as soon as it has an estimate with an error. */
  readonly timeSpent?: TimeSpent;
  /** Keeps what each product gives. */
  readonly keeper?: Keeper;
  readonly signal?: AbortSignal;
}

/**
 * Numbers of vectors at which a search looks whether it may end: 8, 12, 16, 24, 32, 48, … To look after each vector would be to wait for a
 * spread that is small by chance, and curvature, with few large eigenvalues, has such spreads.
 */
export function isCheckpoint(vectors: number): boolean {
  const odd = vectors / (vectors & -vectors);
  return vectors >= 8 && (odd === 1 || odd === 3);
}

/** An interval of 95 % by Student's t is this much wider than the same number of vectors' normal one. */
const widened = (samples: number): number => studentT(0.95, samples) / studentT(0.95, Infinity);

/** Progress of one operator's trace; `samples` and `cap` count products. */
export function operatorProgress(
  products: number,
  { seed, rtol, maxProducts }: OperatorTraceOptions,
  found?: { readonly estimate: number; readonly stderr: number; readonly samples: number },
  exact = false,
): TraceProgress {
  if (!found) return { estimates: [], samples: products, cap: maxProducts, relativeError: Infinity };
  const error = relativeError(found.estimate, found.stderr);
  const converged = exact || error === 0 || error * widened(found.samples) <= rtol;
  const estimate: Estimate = { ...found, seed, exact, converged };
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
