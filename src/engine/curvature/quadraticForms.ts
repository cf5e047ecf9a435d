import { float32Tensor, type Tensor } from '../onnx/tensor';
import { Rng } from '../util/rng';
import { formsRuns } from './derived';
import { probeInput, quadraticFormName } from './quadraticFormGraph';
import type { Layer } from './layers';
import type { Problem } from './problem';
import { TangentRuns } from './tangentRuns';

/** Draws quadratic forms v_lᵀ(Hv)_l for all layers at once. */
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
  probesPerRun: number,
  direction: (probe: number, layer: number) => Float32Array,
  signal?: AbortSignal,
): Promise<QuadraticForms> {
  const places = Array.from({ length: probesPerRun }, (_, k) => k);
  const plan = await formsRuns(problem, layers, probesPerRun);
  const runs = await TangentRuns.create(problem, plan, signal);
  return {
    probesPerRun,
    sample: async probes => {
      const tangents: Record<string, Tensor> = {};
      for (const k of places) {
        // A last, shorter group fills its places with its first probe.
        const probe = probes[k] ?? probes[0];
        layers.forEach(
          (layer, l) => (tangents[probeInput(layer, k)] = float32Tensor(layer.shape, direction(probe, l))),
        );
      }
      const forms = probes.map(() => new Float64Array(layers.length));
      for await (const results of runs.run(tangents)) {
        forms.forEach((perLayer, k) => {
          for (let l = 0; l < layers.length; l++)
            perLayer[l] += Number(results[quadraticFormName(l, k)].data[0]);
        });
      }
      return forms;
    },
    dispose: () => runs.dispose(),
  };
}

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
