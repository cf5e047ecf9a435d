import { float32Tensor } from '../onnx/tensor';
import { CURVATURES, directionalGraph, SLOPES } from './directionalGraph';
import type { Layer } from './layers';
import type { Problem } from './problem';
import { tangentName } from './productGraphs';
import { planRuns, type RunPlan, TangentRuns } from './tangentRuns';

/** How the loss changes along a direction at the weights at hand; shares of the samples, whose sums are gᵀv and vᵀHv. */
export interface Directional {
  readonly slopes: Float64Array;
  readonly curvatures: Float64Array;
}

/** The graphs of both derivatives along directions on one layer. */
export async function directionalRuns(problem: Problem, layer: Layer): Promise<RunPlan> {
  const graph = await directionalGraph(problem.prepared, problem.loss, layer);
  return planRuns(problem, graph, new Set([tangentName(layer.initializer)]));
}

/** Both derivatives of the loss along each of the directions on one layer, all others held. */
export async function directionalDerivatives(
  problem: Problem,
  layer: Layer,
  directions: readonly Float32Array[],
  signal?: AbortSignal,
): Promise<Directional[]> {
  const { dataset, batch } = problem;
  const direction = tangentName(layer.initializer);
  const runs = await TangentRuns.create(problem, await directionalRuns(problem, layer), signal);
  const found: Directional[] = [];
  try {
    for (const v of directions) {
      const slopes = new Float64Array(dataset.samples);
      const curvatures = new Float64Array(dataset.samples);
      let start = 0;
      for await (const results of runs.run({ [direction]: float32Tensor(layer.shape, v) })) {
        const real = Math.min(batch, dataset.samples - start);
        slopes.set((results[SLOPES].data as Float32Array).subarray(0, real), start);
        curvatures.set((results[CURVATURES].data as Float32Array).subarray(0, real), start);
        start += batch;
      }
      found.push({ slopes, curvatures });
    }
  } finally {
    await runs.dispose();
  }
  return found;
}
