import { cancelled } from '../errors';
import { float32Tensor, type Tensor } from '../onnx/tensor';
import { Session } from '../runtime/session';
import { forwardGraph } from './differenceGraphs';
import type { Layer } from './layers';
import { batches, type Problem } from './problem';
import { DIVERGENCES, HITS, LOSSES, REFERENCE, scoreGraph, TEMPERED } from './scoreGraph';
import { planRuns, type RunPlan, TangentRuns } from './tangentRuns';

/** How a model does on each sample of the data. */
export interface Scores {
  /** Shares of the mean loss, whose sum is the loss. */
  readonly losses: Float64Array;
  /** Shares of the mean divergence from the unchanged model: KL, or the mean squared change of the outputs for mse. */
  readonly divergences: Float64Array;
  /** The divergences at temperature 2; absent unless asked for, and where the loss is not over the classes of one output. */
  readonly tempered?: Float64Array;
  /** Shares of the top-1 accuracy; absent where there are no class labels. */
  readonly hits?: Float64Array;
}

/** Scores a model with other weights. */
export interface Scorer {
  /** @param weights row-major, by initializer; layers of the scorer that are left out keep theirs */
  readonly score: (weights: ReadonlyMap<string, Float32Array>) => Promise<Scores>;
  readonly dispose: () => Promise<void>;
}

/** The unchanged model's logits, batch by batch. */
export async function referenceLogits(problem: Problem, signal?: AbortSignal): Promise<Tensor[]> {
  const { prepared, loss } = problem;
  const session = await Session.create(forwardGraph(prepared, loss, []), problem.session);
  const logits: Tensor[] = [];
  try {
    for (const feeds of batches(problem)) {
      if (signal?.aborted) throw cancelled();
      logits.push((await session.run(feeds))[loss.logits]);
    }
  } finally {
    await session.dispose();
  }
  return logits;
}

/** The graphs that score changes of some layers. */
export async function scoreRuns(
  problem: Problem,
  layers: readonly Layer[],
  tempers = false,
): Promise<RunPlan> {
  const graph = await scoreGraph(problem.prepared, problem.loss, layers, tempers);
  return planRuns(problem, graph, new Set(layers.map(l => l.initializer)));
}

/**
 * One session for all changes of some layers. What comes before these layers runs once per batch, as far as it can be kept.
 * @param reference of `referenceLogits`
 * @param tempers whether tempered divergences are wanted
 */
export async function scorer(
  problem: Problem,
  layers: readonly Layer[],
  reference: readonly Tensor[],
  signal?: AbortSignal,
  tempers = false,
): Promise<Scorer> {
  const { prepared, loss, dataset, batch, targets } = problem;
  const runs = await TangentRuns.create(problem, await scoreRuns(problem, layers, tempers), signal);
  const unchanged = layers.map(l => prepared.graph.initializers.get(l.initializer)!.data as Float32Array);
  return {
    score: async weights => {
      const feeds = Object.fromEntries(
        layers.map(({ initializer, shape }, l) => [
          initializer,
          float32Tensor(shape, weights.get(initializer) ?? unchanged[l]),
        ]),
      );
      const found = new Map<string, Float64Array>();
      let start = 0;
      for await (const results of runs.run(feeds, k => ({ [REFERENCE]: reference[k] }))) {
        const real = Math.min(batch, dataset.samples - start);
        for (const [name, { data }] of Object.entries(results)) {
          if (!found.has(name)) found.set(name, new Float64Array(dataset.samples));
          found.get(name)!.set((data as Float32Array).subarray(0, real), start);
        }
        start += batch;
      }
      const losses = found.get(LOSSES)!;
      const tempered = found.get(TEMPERED);
      return {
        losses,
        divergences: found.get(DIVERGENCES) ?? losses,
        ...(tempered ? { tempered } : {}),
        ...(loss.kind === 'cross-entropy' ? { hits: found.get(HITS)!.map(n => n / targets!.count) } : {}),
      };
    },
    dispose: () => runs.dispose(),
  };
}
