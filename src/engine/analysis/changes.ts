import type { Layer } from '../curvature/layers';
import type { Problem } from '../curvature/problem';
import { type Scorer, scorer } from '../curvature/scores';
import type { Tensor } from '../onnx/tensor';
import { measured, type Measured, pairedDifference } from '../sensitivity/sampleMean';
import type { QuantizedLayers } from './quantizedLayers';

/** What quantized weights change, measured by running the model. */
export interface Change {
  readonly bits: number;
  /** Of the mean loss. */
  readonly deltaLoss: Measured;
  /** Of the outputs from the unchanged model's. */
  readonly divergence: Measured;
}

/** Each layer alone at each of the widths. */
export async function* changesAlone(
  quantized: QuantizedLayers,
  problem: Problem,
  layers: readonly Layer[],
  widths: readonly number[],
  reference: readonly Tensor[],
  signal?: AbortSignal,
): AsyncGenerator<{ readonly layer: Layer; readonly changes: readonly Change[] }, void, void> {
  for (const layer of layers)
    yield { layer, changes: await changesTogether(quantized, problem, [layer], widths, reference, signal) };
}

/** All of the layers at once, at each of the widths. */
export async function changesTogether(
  quantized: QuantizedLayers,
  problem: Problem,
  layers: readonly Layer[],
  widths: readonly number[],
  reference: readonly Tensor[],
  signal?: AbortSignal,
): Promise<Change[]> {
  const { score, dispose } = await scorer(problem, layers, reference, signal);
  try {
    return await changesAt(score, quantized, layers, widths);
  } finally {
    await dispose();
  }
}

async function changesAt(
  score: Scorer['score'],
  quantized: QuantizedLayers,
  layers: readonly Layer[],
  widths: readonly number[],
): Promise<Change[]> {
  // By the same session, so that an unchanged weight changes nothing.
  const before = await score(new Map());
  const found: Change[] = [];
  for (const bits of widths) {
    const weights = layers.map(layer => [layer.initializer, quantized.weightAt(layer, bits)] as const);
    const { losses, divergences } = await score(new Map(weights));
    found.push({
      bits,
      deltaLoss: pairedDifference(losses, before.losses),
      divergence: measured(divergences),
    });
  }
  return found;
}
