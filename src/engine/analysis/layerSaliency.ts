import { directionalDerivatives } from '../curvature/directional';
import type { Layer } from '../curvature/layers';
import type { Problem } from '../curvature/problem';
import type { Scorer } from '../curvature/scores';
import { InverseFisher } from '../estimators/inverseFisher';
import { quantize, roundOnto } from '../quantization/quantize';
import type { Change, CorrectedChange, LayerSaliency } from '../report/saliency';
import {
  byRising,
  corrected,
  correctedRounding,
  fisherForm,
  saliency as saliencyOf,
} from '../sensitivity/brainSurgeon';
import { expansion } from '../sensitivity/expansion';
import { pairedDifference } from '../sensitivity/sampleMean';
import { dot, type Vector } from '../util/vector';
import type { Model } from './model';
import type { SaliencyOptions } from './matrixOptions';
import { quantizedLayers, weightOf } from './quantizedLayers';

export interface LayerTask {
  readonly model: Model;
  readonly problem: Problem;
  readonly layer: Layer;
  /** Whether the loss has second derivatives along the layer. */
  readonly isTwice: boolean;
  readonly gradients: readonly Float32Array[];
  /** Of the unchanged model. */
  readonly losses: Float64Array;
  readonly scores: Scorer;
  readonly options: SaliencyOptions;
  readonly signal?: AbortSignal;
}

/** A change of the layer's weights, alone and with the others making up for it. */
interface Steps {
  readonly plain: Float32Array;
  readonly corrected: Float32Array;
}

/** What one layer's inverse Fisher matrix says, and what it comes to when the model is run. */
export async function saliencyOfLayer(task: LayerTask): Promise<LayerSaliency> {
  const { model, layer, gradients, options } = task;
  const weights = weightOf(model, layer);
  const squares = gradients.reduce((sum, g) => sum + dot(g, g), 0);
  const meanDiagonal = squares / gradients.length / layer.size;
  // A layer without a gradient has no scale of its own; any damping gives it no curvature.
  const damping = options.damping * (meanDiagonal || 1);
  const fisher = new InverseFisher(gradients, { damping });
  const saliencies = saliencyOf(weights, fisher.diagonal());
  const rising = byRising(saliencies);
  const removed = options.sparsity.map(sparsity => {
    const error = new Float64Array(layer.size);
    const isFree = new Uint8Array(layer.size).fill(1);
    let sum = 0;
    for (const i of rising.subarray(0, Math.round(sparsity * layer.size))) {
      error[i] = -weights[i];
      isFree[i] = 0;
      sum += saliencies[i];
    }
    return { sparsity, saliency: sum, steps: stepsOf(error, corrected(fisher, error, isFree)) };
  });
  const { initializer: name, shape } = layer;
  const { quantizerOf } = quantizedLayers(model, options.granularity);
  const rounded = options.bits.map(bits => {
    const grid = quantize({ name, shape, data: weights }, quantizerOf(layer, bits));
    const plain = roundOnto(grid, weights).map((q, i) => q - weights[i]);
    const better = correctedRounding(fisher, weights, values => roundOnto(grid, values));
    return { bits, steps: stepsOf(plain, better) };
  });
  const changes = await changesBy(
    task,
    fisher,
    [...removed, ...rounded].map(({ steps }) => steps),
  );
  const at = (share: number): number => saliencies[rising[Math.round(share * (layer.size - 1))]];
  return {
    ...{ name: layer.name, parameters: layer.size, damping },
    quantiles: [at(0), at(0.25), at(0.5), at(0.75), at(1)],
    total: saliencies.reduce((sum, s) => sum + s, 0),
    pruned: removed.map(({ sparsity, saliency: sum }, k) => ({ sparsity, saliency: sum, ...changes[k] })),
    quantized: rounded.map(({ bits }, k) => ({ bits, ...changes[removed.length + k] })),
  };
}

const stepsOf = (plain: Vector, better: Vector): Steps => ({
  plain: Float32Array.from(plain),
  corrected: Float32Array.from(better),
});

/** What the loss does along each step: by the Fisher matrix, by its derivatives on all samples, and measured. */
async function changesBy(
  { model, problem, layer, isTwice, losses, scores, signal }: LayerTask,
  fisher: InverseFisher,
  steps: readonly Steps[],
): Promise<CorrectedChange[]> {
  const all = steps.flatMap(({ plain, corrected: better }) => [plain, better]);
  const along = isTwice ? await directionalDerivatives(problem, layer, all, signal) : [];
  const weights = weightOf(model, layer);
  const changes: Change[] = [];
  for (const [k, step] of all.entries()) {
    const moved = weights.map((w, i) => w + step[i]);
    const after = await scores.score(new Map([[layer.initializer, moved]]));
    changes.push({
      fisher: fisherForm(fisher, step),
      predicted: isTwice ? expansion(along[k].slopes, along[k].curvatures) : null,
      measured: pairedDifference(after.losses, losses),
    });
  }
  return steps.map((_, k) => ({ plain: changes[2 * k], corrected: changes[2 * k + 1] }));
}
