import { IGNORED_LABEL } from '../autodiff/loss';
import { onSamples, type Problem } from '../curvature/problem';
import type { Rng } from '../util/rng';

/** Samples that take part in the loss: all but those whose labels are all ignored. */
export function labelledSamples({ targets, dataset: { samples } }: Problem): number[] {
  const all = Array.from({ length: samples }, (_, i) => i);
  if (!(targets?.data instanceof BigInt64Array)) return all;
  const { data } = targets;
  const width = data.length / samples;
  const ignored = BigInt(IGNORED_LABEL);
  return all.filter(i => data.subarray(i * width, (i + 1) * width).some(label => label !== ignored));
}

/** The problem on so many of the samples given, drawn at random, none twice. A batch without any label would have no loss. */
export function drawBatch(problem: Problem, among: readonly number[], size: number, random: Rng): Problem {
  return onSamples(
    problem,
    drawSamples(among.length, size, random).map(i => among[i]),
  );
}

/** So many of the samples, at random, none twice. */
export function drawSamples(samples: number, count: number, random: Rng): number[] {
  const places = Array.from({ length: samples }, (_, i) => i);
  for (let i = 0; i < count; i++) {
    const j = i + random.below(samples - i);
    [places[i], places[j]] = [places[j], places[i]];
  }
  return places.slice(0, count);
}
