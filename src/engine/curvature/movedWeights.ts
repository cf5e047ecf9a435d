import { cancelled } from '../errors';
import { float32Tensor } from '../onnx/tensor';
import { compile } from '../runtime/compile';
import type { Feeds } from '../runtime/session';
import { settledTypes } from '../runtime/settledTypes';
import { feedValues } from './feedValues';
import { gradient } from './gradient';
import type { Parameter } from './parameters';
import { batches, type Problem } from './problem';
import { gradientName } from './productGraphs';

/** The mean loss, and its gradient by one parameter, where that parameter has other values than the model's. */
export interface MovedWeights {
  at(weights: Float32Array): Promise<{ readonly loss: number; readonly gradient: Float64Array }>;
  dispose(): Promise<void>;
}

/**
 * Without labels the model is measured against its outputs at the weights of the file, which are kept for each batch.
 */
export async function movedWeights(
  problem: Problem,
  parameter: Parameter,
  signal?: AbortSignal,
): Promise<MovedWeights> {
  const { name, shape, size } = parameter;
  const names = new Set([name]);
  const { b, cotangents, attached } = await gradient(
    problem.prepared,
    problem.loss,
    'weighted',
    names,
    names,
  );
  b.alias(attached.loss, 'loss');
  b.alias(cotangents.get(name)!, gradientName(name));
  const own = [...attached.fixed];
  const graph = b.build(['loss', gradientName(name), ...own]);
  const types = await settledTypes(graph, b.types);
  const fed = [
    { name, elemType: 'float32', shape } as const,
    ...own.map(value => ({ name: value, ...types.get(value)! })),
  ];
  const moved = feedValues({ ...graph, outputs: graph.outputs.filter(o => !attached.fixed.has(o)) }, fed);
  const session = await compile(moved, problem.session, types);
  const first =
    own.length > 0 ? await compile({ ...graph, outputs: own }, problem.session, types) : undefined;
  const kept: Feeds[] = [];
  return {
    async at(weights) {
      const sum = new Float64Array(size);
      let [loss, batch] = [0, 0];
      for (const feeds of batches(problem)) {
        if (signal?.aborted) throw cancelled();
        const targets = first && (kept[batch] ??= await first.run(feeds));
        const results = await session.run({ ...feeds, ...targets, [name]: float32Tensor(shape, weights) });
        loss += Number(results['loss'].data[0]);
        const part = results[gradientName(name)].data as Float32Array;
        for (let i = 0; i < size; i++) sum[i] += part[i];
        batch++;
      }
      return { loss, gradient: sum };
    },
    async dispose() {
      await first?.dispose();
      await session.dispose();
    },
  };
}
