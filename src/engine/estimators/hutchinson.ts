import { type LinearOperator } from '../curvature/linearOperator';
import { cancelled, invariant } from '../errors';
import { Rng } from '../util/rng';
import { RunningMoments } from '../util/statistics';
import { dot } from '../util/vector';
import { type AdaptiveOptions, NotFinite, sampleUntilConverged, type TraceAccumulator } from './adaptive';
import { type Keeper, once } from './keeper';
import { type TraceProgress } from './result';

/** For each probe asked for, one quadratic form v_lᵀ(Hv)_l per layer. */
export type QuadraticFormSampler = (probes: number[]) => Promise<readonly Float64Array[]>;

export type HutchinsonOptions = Omit<AdaptiveOptions, 'minSamples' | 'maxSamples'> & {
  /** 8 by default. */
  readonly minProbes?: number;
  /** 100 by default. */
  readonly maxProbes?: number;
};

/**
 * Traces of all layers' diagonal blocks from shared Rademacher probes: tr(H_ll) = E[v_lᵀ(Hv)_l].
 *
 * Hutchinson, Commun. Stat. Simul. Comput. 19 (1990). Cost: one Hessian-vector product per probe for all
 * layers. The variance of one probe is 2(‖H_ll‖_F² − Σ H_ii²) + Σ_{i∈l, j∉l} H_ij², or less by what the sampler leaves out and scales; the error
 * reported is the sample's own, sd/√m.
 *
 * Throws `cancelled`, `not-finite` (naming layer and probe) and what the sampler throws; everything yielded
 * before stays good.
 */
export function hutchinson(
  sampler: QuadraticFormSampler,
  options: HutchinsonOptions,
): AsyncGenerator<TraceProgress, void, void> {
  const { minProbes = 8, maxProbes = 100, ...rest } = options;
  return sampleUntilConverged(sampler, new QuadraticForms(options.layers), {
    ...rest,
    minSamples: minProbes,
    maxSamples: maxProbes,
  });
}

/** The trace of one operator with Rademacher probes, stopped as `hutchinson` is. Cost: one product per probe. */
export function hutchinsonTrace(
  operator: LinearOperator,
  options: Omit<HutchinsonOptions, 'layers'> & { readonly keeper?: Keeper },
): AsyncGenerator<TraceProgress, void, void> {
  const sampler: QuadraticFormSampler = async probes => {
    const forms: Float64Array[] = [];
    for (const probe of probes) {
      if (options.signal?.aborted) throw cancelled();
      const form = await once(options.keeper, `probe ${probe}`, async () => {
        const v = Rng.of(options.seed, 'hutchinson', probe).rademacher(operator.size);
        return dot(v, await operator.apply(v));
      });
      forms.push(Float64Array.of(form));
    }
    return forms;
  };
  return hutchinson(sampler, { ...options, layers: ['operator'] });
}

class QuadraticForms implements TraceAccumulator<Float64Array> {
  private readonly moments: readonly RunningMoments[];

  constructor(private readonly layers: readonly string[]) {
    this.moments = layers.map(() => new RunningMoments());
  }

  add(forms: Float64Array, probe: number): void {
    invariant(
      forms.length === this.layers.length,
      `${forms.length} quadratic forms for ${this.layers.length} layers`,
    );
    const spoiled = this.layers
      .map((layer, l) => ({ layer, value: forms[l], where: `probe ${probe}` }))
      .filter(({ value }) => !Number.isFinite(value));
    if (spoiled.length > 0) throw new NotFinite(spoiled);
    forms.forEach((form, l) => this.moments[l].add(form));
  }

  summary(): readonly { estimate: number; stderr: number }[] {
    return this.moments.map(m => ({ estimate: m.mean, stderr: m.stderr }));
  }
}
