import { cancelled, CurvatureError } from '../errors';
import { float32Tensor, type Tensor } from '../onnx/tensor';
import { compile } from '../runtime/compile';
import type { Session } from '../runtime/session';
import { assign, axpy, type Vector } from '../util/vector';
import { fisherRuns, gaussNewtonRuns, hessianRuns } from './derived';
import { requireFiniteLoss } from './finiteLoss';
import { gradientGraph, gradientName, hvpName, tangentName } from './productGraphs';
import type { LinearOperator } from './linearOperator';
import type { Matrix } from './matrices';
import type { Parameter } from './parameters';
import { batches, type Problem } from './problem';
import { type RunPlan, TangentRuns } from './tangentRuns';

/** A curvature matrix as an operator; it holds sessions until it is disposed. */
export interface DisposableOperator extends LinearOperator {
  /** The matrix of the same loss over other samples, as `onSamples` gives them; it lives as long as this one. */
  over(problem: Problem): LinearOperator;
  dispose(): Promise<void>;
}

/** The graphs of the products with a matrix over the given parameters. */
export const matrixRuns = (
  matrix: Matrix,
  problem: Problem,
  parameters: readonly Parameter[],
): Promise<RunPlan> =>
  ({ hessian: hessianRuns, ggn: gaussNewtonRuns, fisher: fisherRuns })[matrix](problem, parameters);

/**
 * @throws CurvatureError `option-invalid` for the empirical Fisher matrix of a loss without labels, which is zero where the model is
 * measured against itself
 */
export function requireLabels(matrix: Matrix, { loss }: Problem): void {
  if (matrix !== 'fisher' || loss.isLabelled) return;
  throw new CurvatureError(
    'option-invalid',
    'The empirical Fisher matrix is made of the gradients of the loss, which are zero without labels: the model is measured against itself then.',
    'Give data with labels or targets, or take --matrix ggn, which needs none.',
  );
}

/** A matrix over the given parameters, laid out one after the other. */
export async function matrixOperator(
  matrix: Matrix,
  problem: Problem,
  parameters: readonly Parameter[],
  signal?: AbortSignal,
): Promise<DisposableOperator> {
  const size = parameters.reduce((sum, p) => sum + p.size, 0);
  requireLabels(matrix, problem);
  const all = await TangentRuns.create(problem, await matrixRuns(matrix, problem, parameters), signal);
  // The graph's sums hold squares of the samples' weights 1/N.
  const scaleOver = ({ dataset }: Problem): number => (matrix === 'fisher' ? dataset.samples : 1);
  const apply =
    (runs: TangentRuns, factor: number) =>
    async (v: Vector, into?: Vector): Promise<Vector> => {
      const tangents: Record<string, Tensor> = {};
      forEachPart(parameters, (p, start) => {
        const range = v.subarray(start, start + p.size);
        // What is in float32 already is not copied: it may take 100 MB.
        const part = range instanceof Float32Array ? range : Float32Array.from(range);
        tangents[tangentName(p.name)] = float32Tensor(p.shape, part);
      });
      const sum = into ?? new Float64Array(size);
      let add = assign;
      for await (const results of runs.run(tangents)) {
        forEachPart(parameters, (p, start) => {
          const part = results[hvpName(p.name)].data as Float32Array;
          add(factor, part, sum.subarray(start, start + p.size));
        });
        add = axpy;
      }
      return sum;
    };
  return {
    size,
    apply: apply(all, scaleOver(problem)),
    over: other => ({ size, apply: apply(all.over(other), scaleOver(other)) }),
    dispose: () => all.dispose(),
  };
}

/** The Hessian of the mean loss over the given parameters. */
export const hessianOperator = (
  problem: Problem,
  parameters: readonly Parameter[],
  signal?: AbortSignal,
): Promise<DisposableOperator> => matrixOperator('hessian', problem, parameters, signal);

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

export interface LossAndGradient {
  readonly loss: number;
  readonly gradient: Map<string, Float64Array>;
}

/** The mean loss over the data, and its gradient by each parameter. */
export async function lossAndGradient(
  problem: Problem,
  parameters: readonly Parameter[],
  signal?: AbortSignal,
): Promise<LossAndGradient> {
  const gradients = await Gradients.create(problem, parameters, signal);
  try {
    return await gradients.over(problem);
  } finally {
    await gradients.dispose();
  }
}

/** Gradients over one set of samples after the other. */
export class Gradients {
  private constructor(
    private readonly parameters: readonly Parameter[],
    private readonly session: Session,
    private readonly signal: AbortSignal | undefined,
  ) {}

  static async create(
    problem: Problem,
    parameters: readonly Parameter[],
    signal?: AbortSignal,
  ): Promise<Gradients> {
    const graph = await gradientGraph(problem.prepared, problem.loss, 'weighted', parameters);
    const session = await compile(graph, problem.session, problem.prepared.types);
    return new Gradients(parameters, session, signal);
  }

  /** @param problem the one that this was made for, or the same on other samples */
  async over(problem: Problem): Promise<LossAndGradient> {
    const gradient = new Map(this.parameters.map(p => [p.name, new Float64Array(p.size)]));
    let loss = 0;
    for await (const part of this.parts(problem)) {
      loss += part.loss;
      for (const [name, sum] of gradient) {
        const g = part.gradient(name);
        for (let i = 0; i < sum.length; i++) sum[i] += g[i];
      }
    }
    return { loss, gradient };
  }

  /** Each batch's part of the mean loss, and the gradient of that. */
  async *parts(
    problem: Problem,
  ): AsyncGenerator<{ readonly loss: number; readonly gradient: (name: string) => Float32Array }> {
    let batch = 0;
    for (const feeds of batches(problem)) {
      if (this.signal?.aborted) throw cancelled();
      const results = await this.session.run(feeds);
      const loss = Number(results['loss'].data[0]);
      requireFiniteLoss(loss, `in batch ${batch} (samples ${batch * problem.batch} and up)`);
      yield { loss, gradient: name => results[gradientName(name)].data as Float32Array };
      batch++;
    }
  }

  dispose(): Promise<void> {
    return this.session.dispose();
  }
}
