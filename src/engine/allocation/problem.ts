/** One bit width that a layer could take. */
export interface Choice {
  readonly bits: number;
  /** Ω at this width; not negative. */
  readonly sensitivity: number;
  /** Bytes on disk at this width, scales included; a whole number. */
  readonly bytes: number;
}

export interface AllocatableLayer {
  readonly name: string;
  readonly parameters: number;
  /** At least one. */
  readonly choices: readonly Choice[];
}

/** Layers that each take one of their choices: a multiple-choice knapsack. */
export type AllocationProblem = readonly AllocatableLayer[];

/** Stored bits per weight, scales included. */
export function effectiveBits(problem: AllocationProblem, bytes: number): number {
  return (bytes * 8) / problem.reduce((sum, layer) => sum + layer.parameters, 0);
}

/** Bytes of the whole model when each layer takes the choice that `pick` selects. */
export function totalBytes(problem: AllocationProblem, pick: (layer: AllocatableLayer) => Choice): number {
  return problem.reduce((sum, layer) => sum + pick(layer).bytes, 0);
}

/** The choice that takes the fewest bytes. */
export const smallest = (layer: AllocatableLayer): Choice =>
  layer.choices.reduce((a, b) => (b.bytes < a.bytes ? b : a));

/** The choice that takes the most bytes. */
export const largest = (layer: AllocatableLayer): Choice =>
  layer.choices.reduce((a, b) => (b.bytes > a.bytes ? b : a));
