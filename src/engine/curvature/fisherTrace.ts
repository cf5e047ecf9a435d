import type { Vector } from '../util/vector';
import { dot } from '../util/vector';
import type { Parameter } from './parameters';
import type { Problem } from './problem';
import { Gradients } from './products';

/**
 * The trace of the empirical Fisher matrix, (1/N) Σ ‖g‖² over the gradients of the samples' own losses: no more than one gradient of each sample.
 * @param problem with one sample to a run
 * Yields how many samples are through, and returns the trace.
 */
export async function* fisherTrace(
  problem: Problem,
  parameters: readonly Parameter[],
  signal?: AbortSignal,
): AsyncGenerator<number, number, void> {
  const { samples } = problem.dataset;
  const gradients = await Gradients.create(problem, parameters, signal);
  let [sum, through] = [0, 0];
  try {
    for await (const { gradient } of gradients.parts(problem)) {
      // The part of the mean loss is 1/N of the sample's own.
      for (const { name } of parameters) sum += squaredNorm(gradient(name));
      yield ++through;
    }
  } finally {
    await gradients.dispose();
  }
  return samples * sum;
}

const squaredNorm = (v: Vector): number => dot(v, v);
