import { cancelled } from '../errors';
import { float32Tensor } from '../onnx/tensor';
import { compile } from '../runtime/compile';
import type { Layer } from './layers';
import { outputErrorGraph, outputErrorName, squaredErrorInput } from './outputErrorGraph';
import { batches, type Problem } from './problem';

/** Σ_ij E[x_j²] δ_ij² of each sample by layer; undefined for a layer that is not linear in its weight. */
export type OutputErrors = (squaredErrors: readonly Float32Array[]) => Promise<(Float64Array | undefined)[]>;

/** Measures how much errors δ of the weights move the outputs of their own layers, XᵀX taken as diagonal. */
export async function outputErrors(
  problem: Problem,
  layers: readonly Layer[],
  signal?: AbortSignal,
): Promise<{ readonly measure: OutputErrors; readonly dispose: () => Promise<void> }> {
  const { prepared, dataset, batch, session } = problem;
  const { graph, rows } = outputErrorGraph(prepared, layers, batch);
  const isEmpty = graph.outputs.length === 0;
  const runner = isEmpty ? undefined : await compile(graph, session, prepared.types);
  return {
    measure: async squaredErrors => {
      const errors = rows.map(r => (r === undefined ? undefined : new Float64Array(dataset.samples)));
      if (!runner) return errors;
      const fed = Object.fromEntries(
        layers.map((layer, l) => [squaredErrorInput(layer), float32Tensor(layer.shape, squaredErrors[l])]),
      );
      let start = 0;
      for (const feeds of batches(problem)) {
        if (signal?.aborted) throw cancelled();
        const results = await runner.run({ ...feeds, ...fed });
        const real = Math.min(batch, dataset.samples - start);
        errors.forEach((all, l) => {
          const part = all && (results[outputErrorName(l)].data as Float32Array);
          for (let i = 0; all && i < real; i++) all[start + i] = part![i] / rows[l]!;
        });
        start += batch;
      }
      return errors;
    },
    dispose: async () => runner?.dispose(),
  };
}
