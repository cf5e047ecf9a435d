import { cancelled } from '../errors';
import { prune } from '../graph/topology';
import type { Graph } from '../graph/graph';
import { Session } from '../runtime/session';
import { isBySample } from './activationNormGraph';
import { batches, type Problem } from './problem';

/** The graph that gives values within a model; those that are its inputs are fed, not given. */
export function valuesGraph({ prepared: { graph } }: Problem, values: readonly string[]): Graph {
  const inputs = new Set(graph.inputs.map(i => i.name));
  const outputs = values.filter(v => !inputs.has(v));
  return prune({ ...graph, outputs }, outputs);
}

/**
 * Runs the model over the data and shows each value of each batch, without what fills up the last one.
 * @param see is given the index of the value, its elements and of how many samples they are
 */
export async function forEachValue(
  problem: Problem,
  values: readonly string[],
  see: (value: number, data: Float32Array, samples: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const { batch, dataset, prepared } = problem;
  const graph = valuesGraph(problem, values);
  const session = graph.outputs.length > 0 ? await Session.create(graph, problem.session) : undefined;
  try {
    let start = 0;
    for (const feeds of batches(problem)) {
      if (signal?.aborted) throw cancelled();
      const given = { ...feeds, ...(await session?.run(feeds)) };
      const real = Math.min(batch, dataset.samples - start);
      values.forEach((value, i) => {
        const data = given[value].data as Float32Array;
        // Where the samples lie elsewhere the copies of the first one stay, which widen no range.
        const isWhole = real === batch || !isBySample(prepared.types.get(value)!.shape, batch);
        see(i, isWhole ? data : data.subarray(0, (data.length / batch) * real), isWhole ? batch : real);
      });
      start += batch;
    }
  } finally {
    await session?.dispose();
  }
}
