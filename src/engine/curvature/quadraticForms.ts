import { float32Tensor, numElements, type Tensor } from '../onnx/tensor';
import { Rng } from '../util/rng';
import { activationProbe } from './activationFormGraph';
import { activationFormsRuns, formsRuns } from './derived';
import { type FormKind, probeInput, quadraticFormName } from './quadraticFormGraph';
import type { Layer } from './layers';
import type { Problem } from './problem';
import { TangentRuns } from './tangentRuns';

/** Draws quadratic forms for all layers at once. */
export interface QuadraticForms {
  /** Probes per run of the graph. */
  readonly probesPerRun: number;
  /** For each probe asked for, one form per layer of the Hessian of the mean loss over all data. */
  readonly sample: (probes: readonly number[]) => Promise<Float64Array[]>;
  dispose(): Promise<void>;
}

/** @param direction the probe's part on each layer */
export async function quadraticForms(
  problem: Problem,
  layers: readonly Layer[],
  kind: FormKind,
  probesPerRun: number,
  direction: (probe: number, layer: number) => Float32Array,
  signal?: AbortSignal,
): Promise<QuadraticForms> {
  const runs = await TangentRuns.create(
    problem,
    await formsRuns(problem, layers, kind, probesPerRun),
    signal,
  );
  const tangents = (probe: number, k: number): [string, Tensor][] =>
    layers.map((layer, l) => [probeInput(layer, k), float32Tensor(layer.shape, direction(probe, l))]);
  return drawing(runs, layers.length, probesPerRun, probes => feedsOf(probes, probesPerRun, tangents));
}

/** Draws vᵀHv of a value within the model, by Rademacher signs of their own for each sample. */
export async function activationForms(
  problem: Problem,
  value: string,
  probesPerRun: number,
  seed: number,
  signal?: AbortSignal,
): Promise<QuadraticForms> {
  const plan = await activationFormsRuns(problem, value, probesPerRun);
  const runs = await TangentRuns.create(problem, plan, signal);
  const { shape } = problem.prepared.types.get(value)!;
  const tangents =
    (batch: number) =>
    (probe: number, k: number): [string, Tensor][] => {
      const signs = Rng.of(seed, 'activation hessian', probe, batch, value).rademacher(numElements(shape));
      return [[activationProbe(value, k), float32Tensor(shape, signs)]];
    };
  return drawing(runs, 1, probesPerRun, probes => batch => feedsOf(probes, probesPerRun, tangents(batch)));
}

/** The tangents of a run. @param tangents of a probe at its place in the run */
const feedsOf = (
  probes: readonly number[],
  places: number,
  tangents: (probe: number, place: number) => [string, Tensor][],
): Record<string, Tensor> =>
  // A last, shorter group fills its places with its first probe.
  Object.fromEntries(Array.from({ length: places }, (_, k) => tangents(probes[k] ?? probes[0], k)).flat());

/** @param count of layers */
const drawing = (
  runs: TangentRuns,
  count: number,
  probesPerRun: number,
  feeds: (probes: readonly number[]) => Parameters<TangentRuns['run']>[0],
): QuadraticForms => ({
  probesPerRun,
  sample: async probes => {
    const forms = probes.map(() => new Float64Array(count));
    for await (const results of runs.run(feeds(probes))) {
      forms.forEach((perLayer, k) => {
        for (let l = 0; l < count; l++) perLayer[l] += Number(results[quadraticFormName(l, k)].data[0]);
      });
    }
    return forms;
  },
  dispose: () => runs.dispose(),
});

/** Rademacher probes over all layers together; probe k is the same whichever probes were drawn before. */
export const rademacherDirection =
  (layers: readonly Layer[], seed: number) =>
  (probe: number, layer: number): Float32Array =>
    Rng.of(seed, 'hessian', probe, layers[layer].initializer).rademacher(layers[layer].size);

/** The unit vectors of all layers' weights one after the other; as many probes as weights give traces without noise. */
export function unitDirection(layers: readonly Layer[]): (probe: number, layer: number) => Float32Array {
  const starts = layers.map((_, l) => layers.slice(0, l).reduce((sum, layer) => sum + layer.size, 0));
  return (probe, layer) => {
    const v = new Float32Array(layers[layer].size);
    const at = probe - starts[layer];
    if (at >= 0 && at < v.length) v[at] = 1;
    return v;
  };
}
