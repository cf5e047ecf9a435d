import path from 'node:path';
import { directionalDerivatives } from '../curvature/directional';
import type { Layer } from '../curvature/layers';
import { onSamples, type Problem } from '../curvature/problem';
import { sampleGradients } from '../curvature/sampleGradients';
import { referenceLogits, type Scorer, scorer } from '../curvature/scores';
import { CurvatureError } from '../errors';
import { InverseFisher } from '../estimators/inverseFisher';
import { quantize, roundOnto } from '../quantization/quantize';
import { formatBytes } from '../report/format';
import type { Change, CorrectedChange, LayerSaliency, SaliencyReport } from '../report/saliency';
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
import { chooseParameters } from './chooseParameters';
import { labelledSamples } from './drawBatch';
import { type Model, openModel, requireLayers } from './model';
import type { MatrixHooks, SaliencyOptions } from './options';
import { ProgressTracker } from './progress';
import { quantizedLayers, weightOf } from './quantizedLayers';
import { secondsSince } from './run';
import { type SetUp, setUp } from './setUp';
import { TOOL } from './state';

/** Gradients in float32, and those of the weights that are free, in float64. */
const BYTES_PER_GRADIENT = 4 + 8;

/**
 * The inverse empirical Fisher matrix of each layer, from gradients of single samples: saliencies of its weights, and what removing the least
 * salient and rounding all costs, alone and with the other weights making up for it, predicted and measured.
 * @throws CurvatureError
 */
export async function saliency(options: SaliencyOptions, hooks: MatrixHooks = {}): Promise<SaliencyReport> {
  const progress = new ProgressTracker(p => hooks.onProgress?.(p));
  progress.plan([
    { stage: 'load', cost: 1 },
    { stage: 'saliency', cost: 9 },
  ]);
  progress.begin('load', 'Reading the model');
  const started = performance.now();
  const model = openModel(options.model);
  requireLayers(model);
  const ready = await setUp(model, options);
  const { problem } = ready;
  const single = problem.batch === 1 ? problem : (await setUp(model, { ...options, batch: 1 })).problem;
  requireSingle(single);
  const layers = layersOf(model, ready, options.layers);
  const chosen = labelledSamples(problem).slice(0, options.gradients);
  requireMemory(layers, chosen.length, problem.memory);
  const first = onSamples(single, chosen);
  const reference = await referenceLogits(problem, hooks.signal);
  progress.begin('saliency', 'Saliencies');
  const found: LayerSaliency[] = [];
  let loss = 0;
  for (const layer of layers) {
    progress.step('saliency', `${layer.name}`, found.length / layers.length);
    const gradients = await sampleGradients(first, layer, hooks.signal);
    const scores = await scorer(problem, [layer], reference, hooks.signal);
    try {
      const { losses } = await scores.score(new Map());
      loss = losses.reduce((sum, share) => sum + share, 0);
      const isTwice = ready.methods.get(layer.initializer) === 'exact';
      found.push(
        await saliencyOfLayer({
          ...{ model, problem, layer, isTwice, gradients, losses, scores, options, signal: hooks.signal },
        }),
      );
    } finally {
      await scores.dispose();
    }
  }
  return {
    ...{ format: 'curvature-saliency', version: 1, tool: TOOL },
    model: { file: path.basename(model.file), sha256: model.sha256 },
    data: ready.data,
    settings: {
      loss: problem.loss.kind,
      gradients: chosen.length,
      damping: options.damping,
      executionProvider: options.executionProvider,
    },
    device: problem.session.device.name,
    samples: problem.dataset.samples,
    loss,
    layers: found,
    diagnostics: ready.diagnostics,
    timings: { total: secondsSince(started) },
  };
}

interface LayerTask {
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

async function saliencyOfLayer(task: LayerTask): Promise<LayerSaliency> {
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

/** Layers that gradients reach. */
function layersOf(model: Model, { methods }: SetUp, globs: readonly string[] | undefined): Layer[] {
  const reached = model.layers.filter(l => ['exact', 'ggn'].includes(methods.get(l.initializer) ?? ''));
  const names = new Set(reached.map(l => l.initializer));
  const parameters = model.parameters.filter(p => names.has(p.name));
  const chosen = new Set(chooseParameters(parameters, reached, globs).map(p => p.name));
  if (chosen.size > 0) return reached.filter(l => chosen.has(l.initializer));
  throw new CurvatureError('model-unsupported', 'No layer of the model has a gradient.');
}

function requireSingle({ loss, batch }: Problem): void {
  if (!loss.isLabelled)
    throw new CurvatureError(
      'option-invalid',
      'The empirical Fisher matrix is made of the gradients of the loss, which are zero without labels: the model is measured against itself then.',
      'Give data with labels or targets.',
    );
  if (batch !== 1)
    throw new CurvatureError(
      'model-unsupported',
      `The file fixes ${batch} samples to a run, which leaves no gradients of single samples.`,
      'Export the model with an open batch, or for one sample.',
    );
}

/** @throws CurvatureError `memory-exceeded` where the gradients of the largest layer don't fit, with how many would */
function requireMemory(layers: readonly Layer[], count: number, memory: number): void {
  const largest = layers.reduce((a, b) => (b.size > a.size ? b : a));
  const perGradient = BYTES_PER_GRADIENT * largest.size;
  if (count * perGradient <= memory) return;
  const most = Math.floor(memory / perGradient);
  throw new CurvatureError(
    'memory-exceeded',
    `${count} gradients of ${largest.name} (${largest.size} weights) need about ${formatBytes(count * perGradient)}, and ${formatBytes(memory)} may be used.`,
    most > 0
      ? `Take fewer with --gradients ${most}, other layers with --layer, or more memory with --memory.`
      : 'Choose smaller layers with --layer, or allow more with --memory.',
  );
}
