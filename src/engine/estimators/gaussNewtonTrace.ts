import { cancelled, invariant } from '../errors';
import { RunningMoments } from '../util/statistics';
import { type AdaptiveOptions, NotFinite, sampleUntilConverged, type TraceAccumulator } from './adaptive';
import { type Estimate, type TraceProgress } from './result';

/**
 * For each draw asked for, and each layer, the squared norms ‖∇_{W_l} ⟨S_i r_i, f(x_i)⟩‖² / N of the samples
 * i. A layer whose samples can't be told apart gives their sum alone, as one number.
 */
export type GradientNormSampler = (draws: number[]) => Promise<readonly (readonly Float64Array[])[]>;

export type GaussNewtonOptions = Omit<AdaptiveOptions, 'minSamples' | 'maxSamples'> & {
  /** 2 by default: N samples give N independent probes per draw, but one draw alone has no error. */
  readonly minDraws?: number;
  /** 64 by default. */
  readonly maxDraws?: number;
};

/**
 * Traces of all layers' Gauss–Newton blocks G_l = (1/N) Σ_i J_ilᵀ S_i S_iᵀ J_il from squared norms of
 * per-sample gradients.
 *
 * With r_i of independent signs, E‖J_ilᵀ S_i r_i‖² = tr(J_ilᵀ S_i S_iᵀ J_il): Hutchinson in the space of the
 * outputs, where S_i S_iᵀ is the loss's output Hessian (softmax cross-entropy: S = diag(√p) − p√pᵀ). The
 * estimate is Σ_i t̄_il over the samples' means t̄_il. The data are fixed, so the error pools the draws'
 * variance *within* each sample: stderr² = Σ_i s_i²/m; how much samples differ from one another doesn't
 * enter it, and is told beside it. Cost: one backward pass per draw, no second derivatives.
 *
 * Throws `cancelled`, `not-finite` (naming layer, draw and sample) and what the sampler throws; everything
 * yielded before stays good.
 */
export function gaussNewtonTrace(
  sampler: GradientNormSampler,
  options: GaussNewtonOptions,
): AsyncGenerator<TraceProgress, void, void> {
  const { minDraws = 2, maxDraws = 64, ...rest } = options;
  return sampleUntilConverged(sampler, new GradientNorms(options.layers), {
    ...rest,
    minSamples: minDraws,
    maxSamples: maxDraws,
  });
}

export type ExactGaussNewtonOptions = Pick<
  GaussNewtonOptions,
  'layers' | 'seed' | 'samplesPerCall' | 'signal'
> & {
  /** Number of columns of S: the sampler's draw c back-propagates column c. */
  readonly columns: number;
};

/**
 * The same traces without sampling: the sum over all columns of S. The estimates come with the last yield, as
 * a part of the sum is no estimate of the whole; stderr is 0.
 */
export async function* exactGaussNewtonTrace(
  sampler: GradientNormSampler,
  options: ExactGaussNewtonOptions,
): AsyncGenerator<TraceProgress, void, void> {
  const { layers, columns, seed, samplesPerCall = 1, signal } = options;
  /** Of each layer, by sample. */
  const sums: Float64Array[] = [];
  for (let done = 0; done < columns;) {
    if (signal?.aborted) throw cancelled();
    const indices = Array.from({ length: Math.min(samplesPerCall, columns - done) }, (_, i) => done + i);
    for (const norms of await sampler(indices)) {
      requireFinite(norms, layers, done);
      norms.forEach((values, l) => {
        const sum = (sums[l] ??= new Float64Array(values.length));
        values.forEach((value, i) => (sum[i] += value));
      });
      done += 1;
    }
    const isWhole = done === columns;
    yield {
      estimates: isWhole ? sums.map(parts => exactEstimate(parts, columns, seed)) : [],
      samples: done,
      cap: columns,
      relativeError: isWhole ? 0 : Infinity,
    };
  }
}

/** @param parts of each sample */
const exactEstimate = (parts: Float64Array, columns: number, seed: number): Estimate => ({
  ...{ estimate: parts.reduce((sum, part) => sum + part, 0), stderr: 0 },
  ...{ ...noiseOfData(parts), samples: columns, seed },
  exact: true,
  converged: true,
});

class GradientNorms implements TraceAccumulator<readonly Float64Array[]> {
  /** Per layer, per sample; made when the first draw tells how many samples there are. */
  private moments: readonly (readonly RunningMoments[])[] = [];

  constructor(private readonly layers: readonly string[]) {}

  add(norms: readonly Float64Array[], draw: number): void {
    invariant(
      norms.length === this.layers.length,
      `gradient norms of ${norms.length} layers, not ${this.layers.length}`,
    );
    requireFinite(norms, this.layers, draw);
    if (this.moments.length === 0) {
      this.moments = norms.map(values => Array.from(values, () => new RunningMoments()));
    }
    norms.forEach((values, l) => {
      invariant(values.length === this.moments[l].length, `draw ${draw} has another number of samples`);
      values.forEach((value, i) => this.moments[l][i].add(value));
    });
  }

  summary(): readonly Pick<Estimate, 'estimate' | 'stderr' | 'dataStderr'>[] {
    return this.moments.map(samples => {
      const squared = samples.reduce((sum, m) => sum + m.variance / m.count, 0);
      return {
        estimate: samples.reduce((sum, m) => sum + m.mean, 0),
        stderr: Math.sqrt(squared),
        ...noiseOfData(
          samples.map(m => m.mean),
          squared,
        ),
      };
    });
  }
}

/**
 * The standard error of a sum of samples' parts as an estimate for all data of the kind: √n sd(parts). The parts' own noise spreads them as well, so
 * that its squares are taken off (one-way analysis of variance). A single part tells nothing.
 */
function noiseOfData(parts: ArrayLike<number>, squaredNoise = 0): { dataStderr?: number } {
  if (parts.length < 2) return {};
  const spread = new RunningMoments();
  Array.from(parts, part => spread.add(part));
  return { dataStderr: Math.sqrt(Math.max(0, spread.variance * parts.length - squaredNoise)) };
}

function requireFinite(norms: readonly Float64Array[], layers: readonly string[], draw: number): void {
  const spoiled = norms.flatMap((values, l) => {
    const sample = values.findIndex(value => !Number.isFinite(value));
    if (sample < 0) return [];
    const where = `draw ${draw}${values.length > 1 ? `, sample ${sample}` : ''}`;
    return [{ layer: layers[l], value: values[sample], where }];
  });
  if (spoiled.length > 0) throw new NotFinite(spoiled);
}
