import type { Layer } from '../curvature/layers';
import { onSamples, type Problem } from '../curvature/problem';
import { sampleGradients } from '../curvature/sampleGradients';
import { referenceLogits, scorer } from '../curvature/scores';
import { CurvatureError } from '../errors';
import { once } from '../estimators/keeper';
import { formatBytes } from '../report/format';
import type { LayerSaliency, SaliencyReport } from '../report/saliency';
import { isTimeUp, TimeBudget } from '../util/timeBudget';
import { chooseParameters } from './chooseParameters';
import { labelledSamples } from './drawBatch';
import { fingerprintOf } from './journal';
import { saliencyOfLayer } from './layerSaliency';
import { type Model, openModel, requireLayers } from './model';
import { note } from './note';
import type { MatrixHooks } from './hooks';
import type { SaliencyOptions } from './matrixOptions';
import { inParts } from './partials';
import { ProgressTracker } from './progress';
import { reportHead } from './reportHead';
import { secondsSince } from './run';
import { type SetUp, setUp } from './setUp';

/** Gradients in float32, and those of the weights that are free, in float64. */
const BYTES_PER_GRADIENT = 4 + 8;

/** What is to be done, settled before anything runs. */
interface Task {
  readonly model: Model;
  readonly ready: SetUp;
  /** With one sample to a run. */
  readonly single: Problem;
  readonly layers: readonly Layer[];
  /** The samples whose gradients the Fisher matrix is made of. */
  readonly chosen: readonly number[];
  readonly options: SaliencyOptions;
}

/** A layer with the loss of the unchanged model, as they are kept for a run that goes on. */
interface KeptLayer {
  readonly loss: number;
  readonly layer: LayerSaliency;
}

/**
 * The inverse empirical Fisher matrix of each layer, from gradients of single samples: saliencies of its weights, and what removing the least
 * salient and rounding all costs, alone and with the other weights making up for it, predicted and measured.
 *
 * When it is cancelled or fails, what was found goes to `onPartial` before the error is thrown. When its time is up, what comes back is not complete.
 * @throws CurvatureError
 */
export async function saliency(
  options: SaliencyOptions,
  hooks: MatrixHooks<SaliencyReport> = {},
): Promise<SaliencyReport> {
  const progress = new ProgressTracker(p => hooks.onProgress?.(p));
  progress.plan([
    { stage: 'load', cost: 1 },
    { stage: 'saliency', cost: 9 },
  ]);
  progress.begin('load', 'Reading the model');
  const started = performance.now();
  const { journal } = hooks;
  const time = options.seconds === undefined ? undefined : new TimeBudget(options.seconds, hooks.now);
  const task = await prepareTask({ ...options, batch: options.batch ?? journal?.settled?.batch });
  const { model, ready, layers, chosen } = task;
  const { damping, sparsity, bits, granularity } = options;
  journal?.begin({
    ...fingerprintOf(model, ready, options.seed),
    ...{ command: 'saliency', gradients: chosen.length, damping, granularity },
    ...{ sparsity: sparsity.join(' '), bits: bits.join(' ') },
  });
  progress.begin('saliency', 'Saliencies');
  const found: KeptLayer[] = [];
  const report = (complete: boolean): SaliencyReport =>
    reportOf(task, found, { complete, total: secondsSince(started) });
  const timeSpent = time?.share(1);
  await inParts(
    hooks.onPartial,
    () => (found.length > 0 ? report(false) : undefined),
    async foundMore => {
      const reference = await referenceLogits(ready.problem, hooks.signal);
      for (const layer of layers) {
        if (found.length > 0 && isTimeUp(timeSpent)) return;
        progress.step('saliency', layer.name, found.length / layers.length);
        found.push(
          await once(journal, layer.initializer, () => measure(task, layer, reference, hooks.signal)),
        );
        foundMore();
      }
    },
  );
  return report(found.length === layers.length);
}

async function prepareTask(options: SaliencyOptions): Promise<Task> {
  const model = openModel(options.model);
  requireLayers(model);
  const ready = await setUp(model, options);
  const { problem } = ready;
  const single = problem.batch === 1 ? problem : (await setUp(model, { ...options, batch: 1 })).problem;
  requireSingle(single);
  const layers = layersOf(model, ready, options.layers);
  const chosen = labelledSamples(problem).slice(0, options.gradients);
  requireMemory(layers, chosen.length, problem.memory);
  return { model, ready, single, layers, chosen, options };
}

async function measure(
  { model, ready, single, chosen, options }: Task,
  layer: Layer,
  reference: Awaited<ReturnType<typeof referenceLogits>>,
  signal: AbortSignal | undefined,
): Promise<KeptLayer> {
  const { problem, methods } = ready;
  const gradients = await sampleGradients(onSamples(single, chosen), layer, signal);
  const scores = await scorer(problem, [layer], reference, signal);
  try {
    const { losses } = await scores.score(new Map());
    const isTwice = methods.get(layer.initializer) === 'exact';
    return {
      loss: losses.reduce((sum, share) => sum + share, 0),
      layer: await saliencyOfLayer({
        ...{ model, problem, layer, isTwice, gradients, losses, scores, options, signal },
      }),
    };
  } finally {
    await scores.dispose();
  }
}

function reportOf(
  { model, ready, layers, chosen, options }: Task,
  found: readonly KeptLayer[],
  { complete, total }: { readonly complete: boolean; readonly total: number },
): SaliencyReport {
  return {
    format: 'curvature-saliency',
    version: 1,
    ...reportHead({ model, ready }, complete),
    settings: {
      loss: ready.problem.loss.kind,
      gradients: chosen.length,
      damping: options.damping,
      executionProvider: options.executionProvider,
    },
    loss: found[found.length - 1].loss,
    layers: found.map(({ layer }) => layer),
    diagnostics: [
      ...ready.diagnostics,
      ...(complete ? [] : [note('layers-left', `${found.length} of ${layers.length} layers are measured.`)]),
    ],
    timings: { total },
  };
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
