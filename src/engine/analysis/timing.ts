import { cancelled } from '../errors';
import type { Time } from '../report/latency';
import type { TimedModel } from '../runtime/kernelTimes';
import type { Feeds } from '../runtime/session';

const ROUNDS = 7;
/** A form is timed over `ROUNDS` times this in all, and less only where a single run takes longer or `MOST_RUNS` are less. */
const ROUND_MS = 10;
/** Profiles take some 500 bytes an event. */
const MOST_RUNS = 200;
/** The threads of the model before spin for a while yet, which slows down the first run of a round; the mean of the middle half leaves it out. */
const LEAST_RUNS = 4;
const WARM_UP_RUNS = 3;

/**
 * Times models that take the same feeds. They take turns, round by round, so that whatever slows the machine down slows all of them; a round's time is the mean of the
 * middle half of its runs, which averages the profiler's whole microseconds and leaves out runs that were interrupted.
 * @returns per model the median over the rounds and their interquartile range
 */
export async function timeSideBySide(
  models: readonly TimedModel[],
  feeds: Feeds,
  signal?: AbortSignal,
): Promise<Time[]> {
  const counts: number[] = [];
  for (const model of models) counts.push(await warmUp(model, feeds));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [m, model] of models.entries()) {
      if (signal?.aborted) throw cancelled();
      for (let i = 0; i < counts[m]; i++) await model.run(feeds);
    }
  }
  return models.map((model, m) => summarize(model.finish().slice(WARM_UP_RUNS), counts[m]));
}

/** Resolves to how many runs make a round. */
async function warmUp(model: TimedModel, feeds: Feeds): Promise<number> {
  // The first run allocates; the last tells what those to come will take.
  let last = 0;
  for (let i = 0; i < WARM_UP_RUNS; i++) {
    const start = performance.now();
    await model.run(feeds);
    last = performance.now() - start;
  }
  return Math.max(LEAST_RUNS, Math.min(MOST_RUNS, Math.ceil(ROUND_MS / last)));
}

/** @param times of all rounds, one behind the other @param count runs of a round */
export function summarize(times: readonly number[], count: number): Time {
  const rounds = Array.from({ length: times.length / count }, (_, r) =>
    middleMean(times.slice(r * count, (r + 1) * count)),
  ).sort((a, b) => a - b);
  return { ms: quantile(rounds, 0.5), spread: quantile(rounds, 0.75) - quantile(rounds, 0.25) };
}

function middleMean(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const cut = Math.floor(sorted.length / 4);
  const middle = sorted.slice(cut, sorted.length - cut);
  return middle.reduce((sum, v) => sum + v, 0) / middle.length;
}

/** Between the two nearest in proportion, as numpy's. */
function quantile(sorted: readonly number[], q: number): number {
  const at = q * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (at - Math.floor(at)) * (high - low);
}
