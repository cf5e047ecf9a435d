import { type Frontier } from './frontier';

export interface Chosen {
  /** Index of the point on the frontier. */
  readonly point: number;
  readonly feasible: boolean;
  /** Why the budget can't be met; only where it can't. */
  readonly message?: string;
}

/**
 * The least sensitive point within the budget; where there is none, the smallest point, and which limit it
 * breaks.
 */
export function choosePoint(frontier: Frontier, budgetBytes: number): Chosen {
  let low = 0;
  let high = frontier.size;
  // Binary search for the first point above the budget; the one before it is the largest within.
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (frontier.bytes[middle] <= budgetBytes) low = middle + 1;
    else high = middle;
  }
  if (low > 0) return { point: low - 1, feasible: true };
  const least = frontier.bytes[0];
  return {
    point: 0,
    feasible: false,
    message:
      `The budget of ${Math.floor(budgetBytes)} bytes can't be met: with every layer at its smallest bit width ` +
      `the weights take ${least} bytes. The smallest choice is suggested instead.`,
  };
}
