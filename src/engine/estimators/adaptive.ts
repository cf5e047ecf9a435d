import { cancelled, CurvatureError } from '../errors';
import { isTimeUp, type TimeSpent } from '../util/timeBudget';
import { type Estimate, relativeError, type TraceProgress } from './result';

export interface AdaptiveOptions {
  /** Names of the layers in the sampler's order; they appear in errors. */
  readonly layers: readonly string[];
  /** Names the probes' streams; recorded in every estimate. */
  readonly seed: number;
  /** Stop when stderr ≤ rtol · |estimate| for every layer. */
  readonly rtol: number;
  readonly minSamples: number;
  /** At least 2: one sample has no error. */
  readonly maxSamples: number;
  /** Samples per call of the sampler; 1 by default. */
  readonly samplesPerCall?: number;
  /** Ends the search with what it has, two samples at least; without it only error and cap do. */
  readonly timeSpent?: TimeSpent;
  readonly signal?: AbortSignal;
}

/** What is known of every layer's trace after the samples so far. */
export interface TraceAccumulator<Sample> {
  /** Takes one sample in whole; before that, throws a `not-finite` error if any of it isn't a number. */
  add(sample: Sample, index: number): void;
  /** Estimate and standard error per layer; asked for only after two samples. */
  summary(): readonly Pick<Estimate, 'estimate' | 'stderr' | 'dataStderr'>[];
}

/**
 * Draws samples 0, 1, 2, … until every layer's standard error is small enough, or the time is up, and yields after each call.
 *
 * Results yielded are good even if a later call throws: `not-finite` names layer and sample, after a last
 * yield with the samples before it; `cancelled` comes when the signal is aborted; errors of the sampler pass
 * through.
 */
export async function* sampleUntilConverged<Sample>(
  sampler: (indices: number[]) => Promise<readonly Sample[]>,
  accumulator: TraceAccumulator<Sample>,
  options: AdaptiveOptions,
): AsyncGenerator<TraceProgress, void, void> {
  const { rtol, seed, signal, maxSamples, samplesPerCall = 1 } = options;
  if (maxSamples < 2) {
    throw new CurvatureError(
      'option-invalid',
      `At most ${maxSamples} probes were allowed; an error bar needs at least 2.`,
    );
  }
  let samples = 0;

  const progress = (): TraceProgress => {
    if (samples < 2) return { estimates: [], samples, cap: maxSamples, relativeError: Infinity };
    const summary = accumulator.summary().map(s => ({ ...s, error: relativeError(s.estimate, s.stderr) }));
    return {
      estimates: summary.map(({ error, ...found }) => ({
        ...{ ...found, samples, seed },
        exact: false,
        converged: error <= rtol,
      })),
      samples,
      cap: maxSamples,
      relativeError: summary.reduce((largest, { error }) => Math.max(largest, error), 0),
    };
  };

  while (samples < maxSamples) {
    if (signal?.aborted) throw cancelled();
    const count = Math.min(samplesPerCall, maxSamples - samples);
    const indices = Array.from({ length: count }, (_, i) => samples + i);
    const before = samples;
    for (const sample of await sampler(indices)) {
      try {
        accumulator.add(sample, samples);
      } catch (error) {
        if (samples > before) yield progress();
        throw error;
      }
      samples += 1;
    }
    const now = progress();
    yield now;
    if (samples >= options.minSamples && now.relativeError <= rtol) return;
    if (samples >= 2 && isTimeUp(options.timeSpent)) return;
  }
}

/** A value of a sample that isn't a finite number. */
export interface Spoiled {
  readonly layer: string;
  readonly value: number;
  /** Such as `probe 3`. */
  readonly where: string;
}

/** A sample that holds such values. The message tells the first one. */
export class NotFinite extends CurvatureError {
  constructor(readonly spoiled: readonly Spoiled[]) {
    const [{ layer, value, where }] = spoiled;
    super(
      'not-finite',
      `The trace of layer '${layer}' became ${value} at ${where}.`,
      'Look for inputs or weights so large that float32 overflows; results of the probes before it are kept.',
    );
  }
}
