import { float32Tensor } from '../onnx/tensor';
import { CURVATURES, directionalGraph, SLOPES } from './directionalGraph';
import type { Layer } from './layers';
import type { Problem } from './problem';
import { tangentName } from './productGraphs';
import { planRuns, TangentRuns } from './tangentRuns';

/** How the loss changes along a direction at the weights at hand; shares of the samples, whose sums are gᵀv and vᵀHv. */
export interface Directional {
  readonly slopes: Float64Array;
  readonly curvatures: Float64Array;
}

/** Both derivatives of the loss along each of the directions on one layer, all others held. */
export async function directionalDerivatives(
  problem: Problem,
  layer: Layer,
  directions: readonly Float32Array[],
  signal?: AbortSignal,
): Promise<Directional[]> {
  const { prepared, loss, dataset, batch } = problem;
  const direction = tangentName(layer.initializer);
  const plan = await planRuns(problem, await directionalGraph(prepared, loss, layer), new Set([direction]));
  const runs = await TangentRuns.create(problem, plan, signal);
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
