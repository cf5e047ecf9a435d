import { cancelled, CurvatureError } from '../errors';
import { float32Tensor, type Tensor } from '../onnx/tensor';
import { compile } from '../runtime/compile';
import type { Vector } from '../util/vector';
import { gaussNewtonRuns, hessianRuns } from './derived';
import { gradientGraph, gradientName, hvpName, tangentName } from './productGraphs';
import type { LinearOperator } from './linearOperator';
import type { Parameter } from './parameters';
import { batches, type Problem } from './problem';
import { type RunPlan, TangentRuns } from './tangentRuns';

/** A linear operator that holds a session until it is disposed. */
export interface DisposableOperator extends LinearOperator {
  dispose(): Promise<void>;
}

/** The Hessian of the mean loss over the given parameters, laid out one after the other. */
export async function hessianOperator(
  problem: Problem,
  parameters: readonly Parameter[],
  signal?: AbortSignal,
): Promise<DisposableOperator> {
  return productOperator(problem, parameters, await hessianRuns(problem, parameters), signal);
}

/** The generalized Gauss–Newton matrix of the same loss. */
export async function gaussNewtonOperator(
  problem: Problem,
  parameters: readonly Parameter[],
  signal?: AbortSignal,
): Promise<DisposableOperator> {
  return productOperator(problem, parameters, await gaussNewtonRuns(problem, parameters), signal);
}

async function productOperator(
  problem: Problem,
  parameters: readonly Parameter[],
  plan: RunPlan,
  signal?: AbortSignal,
): Promise<DisposableOperator> {
  const size = parameters.reduce((sum, p) => sum + p.size, 0);
  const runs = await TangentRuns.create(problem, plan, signal);
  return {
    size,
    async apply(v: Vector): Promise<Float64Array> {
      const tangents: Record<string, Tensor> = {};
      forEachPart(parameters, (p, start) => {
        const part = new Float32Array(v.subarray(start, start + p.size));
        tangents[tangentName(p.name)] = float32Tensor(p.shape, part);
      });
      const sum = new Float64Array(size);
      for await (const results of runs.run(tangents)) {
        forEachPart(parameters, (p, start) => {
          const part = results[hvpName(p.name)].data as Float32Array;
          for (let i = 0; i < part.length; i++) sum[start + i] += part[i];
        });
      }
      return sum;
    },
    dispose: () => runs.dispose(),
  };
}

function forEachPart(
  parameters: readonly Parameter[],
  visit: (parameter: Parameter, start: number) => void,
): void {
  let start = 0;
  for (const p of parameters) {
    visit(p, start);
    start += p.size;
  }
}

/** The mean loss over the data, and its gradient by each parameter. */
export async function lossAndGradient(
  problem: Problem,
  parameters: readonly Parameter[],
  signal?: AbortSignal,
): Promise<{ loss: number; gradient: Map<string, Float64Array> }> {
  const session = await compile(
    await gradientGraph(problem.prepared, problem.loss, 'weighted', parameters),
    problem.session,
    problem.prepared.types,
  );
  const gradient = new Map(parameters.map(p => [p.name, new Float64Array(p.size)]));
  let loss = 0;
  let batch = 0;
  try {
    for (const feeds of batches(problem)) {
      if (signal?.aborted) throw cancelled();
      const results = await session.run(feeds);
      const part = Number(results['loss'].data[0]);
      if (!Number.isFinite(part)) {
        throw new CurvatureError(
          'not-finite',
          `The loss became ${part} in batch ${batch} (samples ${batch * problem.batch} and up).`,
          'Look for inputs out of the range the model was trained on, or weights so large that float32 overflows.',
        );
      }
      loss += part;
      for (const [name, sum] of gradient) {
        const g = results[gradientName(name)].data as Float32Array;
        for (let i = 0; i < sum.length; i++) sum[i] += g[i];
      }
      batch++;
    }
  } finally {
    await session.dispose();
  }
  return { loss, gradient };
}
