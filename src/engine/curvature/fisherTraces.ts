import { attachLoss, outputGradient, WEIGHT_INPUT } from '../autodiff/loss';
import { cancelled } from '../errors';
import { float32Tensor } from '../onnx/tensor';
import { type Feeds, Session } from '../runtime/session';
import { Rng } from '../util/rng';
import { RunningMoments } from '../util/statistics';
import { gradientNormGraph, gradientNormName, type Seed } from './gradientNormGraph';
import type { Layer } from './layers';
import { batches, type Problem } from './problem';

/** A trace with the error of the draws it rests on; 0 where none were needed. */
export interface FisherTrace {
  readonly estimate: number;
  readonly stderr: number;
}

/** Draws of signs where samples can't be told apart. */
const DRAWS = 16;

const ofLoss: Seed = (b, loss) => outputGradient(b, loss, attachLoss(b, loss, 'weighted').weight);

/**
 * tr F_l = (1/N) Σ_i ‖∇_l ℓ_i‖² of the empirical Fisher matrix for each layer, of a loss with labels. Where a layer's samples can't be
 * told apart their losses get random signs s, for which E‖Σ_i s_i ∇ℓ_i‖² = Σ_i ‖∇ℓ_i‖².
 */
export async function fisherTraces(
  problem: Problem,
  layers: readonly Layer[],
  seed: number,
  signal?: AbortSignal,
): Promise<FisherTrace[]> {
  const { session, perSample } = await isolating(problem, layers);
  const draws = perSample.every(Boolean) ? 1 : DRAWS;
  const moments = layers.map(() => new RunningMoments());
  try {
    for (let draw = 0; draw < draws; draw++) {
      const sums = new Float64Array(layers.length);
      let batch = 0;
      for (const feeds of batches(problem)) {
        if (signal?.aborted) throw cancelled();
        const signs = Rng.of(seed, 'fisher', draw, batch).rademacher(problem.batch);
        const results = await session.run(weighted(feeds, signs));
        layers.forEach((_, l) => {
          for (const norm of results[gradientNormName(l)].data as Float32Array) sums[l] += norm;
        });
        batch++;
      }
      // Gradients are of the samples' shares of the mean, 1/N of their own losses.
      moments.forEach((m, l) => m.add(sums[l] * problem.dataset.samples));
    }
  } finally {
    await session.dispose();
  }
  return moments.map((m, l) => ({ estimate: m.mean, stderr: perSample[l] ? 0 : m.stderr }));
}

/** Weights times factors, one for each sample of the batch. */
function weighted(feeds: Feeds, factors: Float32Array): Feeds {
  const { shape, data } = feeds[WEIGHT_INPUT];
  return {
    ...feeds,
    [WEIGHT_INPUT]: float32Tensor(
      shape,
      (data as Float32Array).map((w, i) => w * factors[i]),
    ),
  };
}

/** A session that tells samples apart where that is possible: weight on the first sample alone must leave the others at zero. */
async function isolating(
  problem: Problem,
  layers: readonly Layer[],
): Promise<{ session: Session; perSample: readonly boolean[] }> {
  let together: ReadonlySet<number> = new Set();
  for (;;) {
    const { graph, perSample } = gradientNormGraph(problem.prepared, problem.loss, layers, together, ofLoss);
    const session = await Session.create(graph, problem.session);
    const first = batches(problem).next();
    if (first.done) return { session, perSample };
    const alone = Float32Array.from({ length: problem.batch }, (_, i) => (i === 0 ? 1 : 0));
    const results = await session.run(weighted(first.value, alone));
    const mixing = perSample.flatMap((isAlone, l) => {
      const norms = results[gradientNormName(l)].data as Float32Array;
      return isAlone && norms.some((n, i) => i > 0 && n !== 0) ? [l] : [];
    });
    if (mixing.length === 0) return { session, perSample };
    await session.dispose();
    together = new Set([...together, ...mixing]);
  }
}
