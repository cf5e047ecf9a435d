import { trialGraph } from '../curvature/trialGraph';
import { CurvatureError } from '../errors';
import type { Graph } from '../graph/graph';
import { Device, type Refusal } from '../runtime/device';
import { listedProviders, type Provider, providers } from '../runtime/providers';
import { type Trial, tryProvider } from '../runtime/providerTrial';
import { cpuSession, type Feeds, Session } from '../runtime/session';
import { norm } from '../util/vector';

/** Largest difference from the CPU's numbers, relative to their length, that rounding can explain. */
const TOLERANCE = 1e-3;
const TIMED_RUNS = 3;

/**
 * The device for an analysis. `auto` tries every provider of this platform on a small derivative graph, and takes the
 * fastest whose numbers agree with the CPU's; the CPU itself unless another one is faster.
 * @throws CurvatureError `option-invalid` when a provider that is named can't be used
 */
export async function chooseDevice(choice: string): Promise<Device> {
  if (choice === 'cpu') return new Device('cpu');
  const listed = listedProviders();
  if (choice === 'auto') return fastest(listed.filter(p => p !== 'cpu'));
  const provider = providers.find(p => p === choice);
  if (!provider) {
    throw new CurvatureError(
      'option-invalid',
      `"${choice}" is no execution provider.`,
      `Choose auto or one of ${providers.join(', ')}.`,
    );
  }
  const outcome = listed.includes(provider)
    ? await outcomeOf(provider)
    : `ONNX Runtime for ${process.platform}-${process.arch} has only ${listed.join(', ')}`;
  if (typeof outcome === 'string') {
    throw new CurvatureError(
      'option-invalid',
      `The execution provider "${provider}" can't be used here: ${outcome}.`,
      'Choose auto or another one; cpu works everywhere.',
    );
  }
  return new Device(provider);
}

async function fastest(candidates: readonly Provider[]): Promise<Device> {
  const refused: Refusal[] = [];
  let best: { provider: Provider; seconds: number } | undefined;
  // One after the other, because they share the machine and are timed.
  for (const provider of candidates) {
    const outcome = await outcomeOf(provider);
    if (typeof outcome === 'string') refused.push({ provider, reason: outcome });
    else if (outcome >= (best?.seconds ?? (await cpuTrial()).seconds)) {
      refused.push({ provider, reason: `slower than ${best?.provider ?? 'cpu'}` });
    } else {
      if (best) refused.push({ provider: best.provider, reason: `slower than ${provider}` });
      best = { provider, seconds: outcome };
    }
  }
  return new Device(best?.provider ?? 'cpu', refused);
}

const outcomes = new Map<Provider, Promise<number | string>>();

/** Seconds of a run, or why the provider can't be used. Tried once in a process: neither drivers nor numbers change. */
function outcomeOf(provider: Provider): Promise<number | string> {
  const known = outcomes.get(provider) ?? measure(provider);
  outcomes.set(provider, known);
  return known;
}

async function measure(provider: Provider): Promise<number | string> {
  const { graph, feeds } = await trial();
  const found = await tryProvider(provider, graph, feeds);
  if (typeof found === 'string') return found;
  const { outputs } = await cpuTrial();
  const worst = Math.max(...Object.keys(outputs).map(name => distance(found.outputs[name], outputs[name])));
  return worst <= TOLERANCE
    ? found.seconds
    : `its numbers differ from the CPU's by ${(100 * worst).toPrecision(2)} %`;
}

let made: Promise<{ graph: Graph; feeds: Feeds }> | undefined;
const trial = () => (made ??= trialGraph());
let onCpu: Promise<Trial> | undefined;
const cpuTrial = () => (onCpu ??= runOnCpu());

async function runOnCpu(): Promise<Trial> {
  const { graph, feeds } = await trial();
  const session = await Session.create(graph, cpuSession);
  const outputs = await session.run(feeds);
  let seconds = Infinity;
  for (let i = 0; i < TIMED_RUNS; i++) {
    const start = performance.now();
    await session.run(feeds);
    seconds = Math.min(seconds, (performance.now() - start) / 1000);
  }
  await session.dispose();
  return {
    seconds,
    outputs: Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, t.data as Float32Array])),
  };
}

/** ‖found − expected‖ / ‖expected‖; NaN where anything isn't a number. */
const distance = (found: Float32Array, expected: Float32Array): number =>
  norm(Float64Array.from(expected, (e, i) => found[i] - e)) / norm(Float64Array.from(expected));
