import { budgetBytes, parseBudget } from '../allocation/budget';
import { choosePoint } from '../allocation/choose';
import { type Frontier, paretoFrontier } from '../allocation/frontier';
import { type AllocationProblem, effectiveBits } from '../allocation/problem';
import { thinForDisplay } from '../allocation/thinForDisplay';
import type { FrontierPoint, LayerReport, Report } from '../report/schema';

/** Points that a report holds at most; the choice itself is made among all. */
const MAX_POINTS = 1000;

export interface Allocation {
  readonly frontier: FrontierPoint[];
  readonly budget: Report['budget'];
  /** Bits in the order of the layers; null where a layer takes no part. */
  readonly bits: readonly (number | null)[];
}

/** The frontier over all layers with a sensitivity, and the choice within the budget. */
export function allocate(layers: readonly LayerReport[], requested: string): Allocation {
  const takesPart = layers.map(l => Object.keys(l.sensitivity).length > 0);
  const problem: AllocationProblem = layers
    .filter((_, i) => takesPart[i])
    .map(l => ({
      name: l.name,
      parameters: l.parameters,
      choices: Object.entries(l.sensitivity).map(([bits, sensitivity]) => ({
        bits: Number(bits),
        sensitivity,
        bytes: l.sizeBytes[bits],
      })),
    }));
  if (problem.length === 0) return { frontier: [], budget: null, bits: layers.map(() => null) };
  const frontier = paretoFrontier(problem);
  const bytes = budgetBytes(parseBudget(requested), problem);
  const { point, feasible, message } = choosePoint(frontier, bytes);
  const spread = (chosen: readonly number[]): (number | null)[] => {
    let next = 0;
    return takesPart.map(part => (part ? chosen[next++] : null));
  };
  const at = (p: number): FrontierPoint => ({
    ...measures(frontier, problem, p),
    bits: spread(frontier.bits(p)),
  });
  return {
    frontier: thinForDisplay(frontier, MAX_POINTS, point).map(at),
    budget: {
      requested,
      bytes,
      feasible,
      ...(message !== undefined ? { message } : {}),
      chosen: measures(frontier, problem, point),
    },
    bits: spread(frontier.bits(point)),
  };
}

function measures(
  frontier: Frontier,
  problem: AllocationProblem,
  point: number,
): { bytes: number; effectiveBits: number; sensitivity: number } {
  const bytes = frontier.bytes[point];
  return { bytes, effectiveBits: effectiveBits(problem, bytes), sensitivity: frontier.sensitivity[point] };
}
