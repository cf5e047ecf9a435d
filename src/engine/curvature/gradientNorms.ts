import { numElements, float32Tensor } from '../onnx/tensor';
import { cancelled } from '../errors';
import { Session } from '../runtime/session';
import { Rng } from '../util/rng';
import { activationNormGraph } from './activationNormGraph';
import { activationNormsGraph, normsGraph } from './derived';
import { gradientNormGraph, gradientNormName, type NormsGraph, OUTPUT_PROBE } from './gradientNormGraph';
import type { Layer } from './layers';
import { batches, type Problem } from './problem';

/** Draws squared norms of gradients along random combinations of a factor of the output Hessian. */
export interface GradientNorms {
  /** Whether each layer's samples are told apart. */
  readonly perSample: readonly boolean[];
  /** Columns of the factor for one sample: with that many draws of `column` the traces have no noise. */
  readonly columns: number;
  /** For each draw and layer, one number per sample, or per batch where the samples can't be told apart. */
  readonly sample: (draws: readonly number[]) => Promise<Float64Array[][]>;
  /** The same for single columns of the factor. */
  readonly column: (indices: readonly number[]) => Promise<Float64Array[][]>;
  dispose(): Promise<void>;
}

/**
 * Which layers' samples can be told apart is tried out: signs that are zero but for the first sample must leave the
 * other samples' norms at zero. A model that mixes samples, or keeps them on another axis, fails the trial.
 */
export const gradientNorms = (
  problem: Problem,
  layers: readonly Layer[],
  seed: number,
  signal?: AbortSignal,
): Promise<GradientNorms> =>
  told(problem, seed, signal, together =>
    together.size === 0
      ? normsGraph(problem, layers)
      : gradientNormGraph(problem.prepared, problem.loss, layers, together),
  );

/** The same for the cotangents of values in place of the gradients of weights. */
export const activationNorms = (
  problem: Problem,
  values: readonly string[],
  seed: number,
  signal?: AbortSignal,
): Promise<GradientNorms> =>
  told(problem, seed, signal, together =>
    together.size === 0
      ? activationNormsGraph(problem, values)
      : activationNormGraph(problem.prepared, problem.loss, values, together),
  );

/** @param graphOf makes the graph in which the samples of some outputs are taken together */
async function told(
  problem: Problem,
  seed: number,
  signal: AbortSignal | undefined,
  graphOf: (together: ReadonlySet<number>) => NormsGraph,
): Promise<GradientNorms> {
  let together: ReadonlySet<number> = new Set();
  for (;;) {
    const { graph, perSample } = graphOf(together);
    const session = await Session.create(graph, problem.session);
    const mixing = problem.batch > 1 ? await mixedOutputs(problem, session, perSample) : [];
    if (mixing.length === 0) return drawing(problem, seed, session, perSample, signal);
    await session.dispose();
    together = new Set([...together, ...mixing]);
  }
}

async function mixedOutputs(
  problem: Problem,
  session: Session,
  perSample: readonly boolean[],
): Promise<number[]> {
  const { loss, batch } = problem;
  const width = numElements(loss.shape.slice(1));
  const probe = new Float32Array(batch * width);
  probe.set(Rng.of(0, 'isolation').rademacher(width));
  const first = batches(problem).next();
  if (first.done) return [];
  const results = await session.run({ ...first.value, [OUTPUT_PROBE]: float32Tensor(loss.shape, probe) });
  return perSample.flatMap((alone, l) => {
    const norms = results[gradientNormName(l)].data as Float32Array;
    return alone && norms.some((n, i) => i > 0 && n !== 0) ? [l] : [];
  });
}

function drawing(
  problem: Problem,
  seed: number,
  session: Session,
  perSample: readonly boolean[],
  signal?: AbortSignal,
): GradientNorms {
  const { loss, batch, dataset } = problem;
  const width = numElements(loss.shape.slice(1));
  const measure = async (probeOf: (start: number) => Float32Array): Promise<Float64Array[]> => {
    const norms = perSample.map(
      alone => new Float64Array(alone ? dataset.samples : Math.ceil(dataset.samples / batch)),
    );
    let start = 0;
    for (const feeds of batches(problem)) {
      if (signal?.aborted) throw cancelled();
      const results = await session.run({
        ...feeds,
        [OUTPUT_PROBE]: float32Tensor(loss.shape, probeOf(start)),
      });
      const real = Math.min(batch, dataset.samples - start);
      norms.forEach((all, l) => {
        const part = results[gradientNormName(l)].data as Float32Array;
        if (perSample[l]) all.set(part.subarray(0, real), start);
        else all[start / batch] = part[0]!;
      });
      start += batch;
    }
    return norms;
  };
  const each = async (
    items: readonly number[],
    probe: (item: number) => (start: number) => Float32Array,
  ): Promise<Float64Array[][]> => {
    const all: Float64Array[][] = [];
    for (const item of items) all.push(await measure(probe(item)));
    return all;
  };
  return {
    perSample,
    columns: width,
    sample: draws => each(draws, draw => start => Rng.of(seed, 'ggn', draw, start).rademacher(batch * width)),
    column: indices =>
      each(indices, column => () => {
        const unit = new Float32Array(batch * width);
        for (let i = 0; i < batch; i++) unit[i * width + column] = 1;
        return unit;
      }),
    dispose: () => session.dispose(),
  };
}
