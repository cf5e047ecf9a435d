import { directionalDerivatives } from '../curvature/directional';
import { fisherTraces } from '../curvature/fisherTraces';
import type { Layer } from '../curvature/layers';
import { outputErrors } from '../curvature/outputErrors';
import { quadraticForms } from '../curvature/quadraticForms';
import { referenceLogits, type Scorer, scorer } from '../curvature/scores';
import type { Tensor } from '../onnx/tensor';
import type { Metrics } from '../report/metrics';
import type { Estimate, Method } from '../report/schema';
import { expansion } from '../sensitivity/expansion';
import { omega } from '../sensitivity/omega';
import { measured, pairedDifference } from '../sensitivity/sampleMean';
import { sqnr } from '../sensitivity/sqnr';
import { quantizedWeight, weightError, weightOf } from './quantizedWeight';
import type { Run } from './run';

/** The metrics of each layer alone at each width, and of all layers together. A part that fails costs its own results only. */
export async function measureMetrics(run: Run): Promise<void> {
  const { model, methods, setUp } = run.state;
  const layers = model.layers.filter(l => methods.has(l.initializer));
  const by = (...wanted: Method[]): Layer[] =>
    layers.filter(l => wanted.includes(methods.get(l.initializer)!));
  const attempt = (title: string, body: () => Promise<void>): Promise<void> =>
    run.attempt('metrics', title, body);
  run.state.uniform = [];
  fromTraces(run, layers);
  await attempt('Errors of the layers’ outputs', () => inputWeighted(run, layers));
  if (setUp.problem.loss.isLabelled)
    await attempt('Traces of the empirical Fisher matrix', () => fit(run, by('exact', 'ggn')));
  await attempt('Losses of quantized models', () => measureLosses(run, layers));
  await attempt('Expansions of the loss', () => expandLosses(run, by('exact')));
}

/** The divergence of each layer alone at the widths up to `measureUpTo`, where the quadratic model can't be relied on. */
export async function measureCoarseWidths(run: Run): Promise<void> {
  const { model, methods, options } = run.state;
  const coarse = options.bits.filter(b => b <= options.measureUpTo);
  const layers = model.layers.filter(l => methods.has(l.initializer));
  if (coarse.length === 0 || layers.length === 0) return;
  await run.attempt('metrics', `Layers at ${coarse.join(' and ')} bits`, async () => {
    await eachLayer(run, layers, coarse);
  });
}

/** Ω of both matrices, and SQNR. */
function fromTraces({ state }: Run, layers: readonly Layer[]): void {
  const { model, options, quantization, metrics: table } = state;
  for (const layer of layers) {
    const errors = quantization.get(layer.initializer)!.error;
    for (const bits of options.bits) {
      const error = errors[String(bits)];
      const set = (metric: 'omegaGgn' | 'omegaHessian', trace: Estimate | undefined): void => {
        if (trace) table.set(layer, metric, bits, omega(trace, layer.size, error));
      };
      set('omegaGgn', state.ggn.get(layer.initializer));
      set('omegaHessian', state.hessian.get(layer.initializer));
      table.set(layer, 'sqnr', bits, { value: sqnr(weightOf(model, layer), error) });
    }
  }
}

/** Σ_ij E[x_j²] δ_ij². */
async function inputWeighted(run: Run, layers: readonly Layer[]): Promise<void> {
  const { model, options, setUp, metrics: table } = run.state;
  const { measure, dispose } = await outputErrors(setUp.problem, layers, run.signal);
  try {
    for (const bits of options.bits) {
      const squares = layers.map(layer => weightError(model, layer, bits).map(d => d * d));
      const errors = await measure(squares);
      layers.forEach((layer, l) => {
        const shares = errors[l]?.map(e => e / setUp.problem.dataset.samples);
        if (shares) table.set(layer, 'inputWeighted', bits, measured(shares));
      });
    }
  } finally {
    await dispose();
  }
}

/** FIT: Ω with the trace of the empirical Fisher matrix in place of the GGN's (Zandonati et al., ICLR 2023). */
async function fit(run: Run, layers: readonly Layer[]): Promise<void> {
  const { options, quantization, setUp, metrics: table } = run.state;
  if (layers.length === 0) return;
  const traces = await fisherTraces(setUp.problem, layers, options.seed, run.signal);
  layers.forEach((layer, l) => {
    for (const bits of options.bits) {
      const error = quantization.get(layer.initializer)!.error[String(bits)];
      table.set(layer, 'fit', bits, omega(traces[l], layer.size, error));
    }
  });
}

/** ΔL and divergence of each layer alone at each width, and of all layers together. */
async function measureLosses(run: Run, layers: readonly Layer[]): Promise<void> {
  const { options, setUp } = run.state;
  const reference = await eachLayer(run, layers, options.bits);
  tell(run, 'measuring all layers together', 0.5);
  const { score, dispose } = await scorer(setUp.problem, layers, reference, run.signal);
  try {
    run.state.uniform = await changes(run, score, layers, options.bits);
  } finally {
    await dispose();
  }
}

/** Measures each layer alone at each of the widths. Resolves to the unchanged model's logits. */
async function eachLayer(run: Run, layers: readonly Layer[], widths: readonly number[]): Promise<Tensor[]> {
  const { setUp, metrics: table } = run.state;
  const reference = await referenceLogits(setUp.problem, run.signal);
  for (const [l, layer] of layers.entries()) {
    tell(run, `measuring layer ${l + 1} of ${layers.length}`, (0.5 * l) / layers.length);
    const { score, dispose } = await scorer(setUp.problem, [layer], reference, run.signal);
    try {
      for (const { bits, deltaLoss, divergence } of await changes(run, score, [layer], widths)) {
        table.set(layer, 'deltaLoss', bits, deltaLoss);
        table.set(layer, 'divergence', bits, divergence);
      }
    } finally {
      await dispose();
    }
  }
  return reference;
}

/** What the loss and the output change by with some layers at each of the widths. */
async function changes(
  { state: { model } }: Run,
  score: Scorer['score'],
  layers: readonly Layer[],
  widths: readonly number[],
): Promise<Metrics['uniform']> {
  // By the same session, so that an unchanged weight changes nothing.
  const before = await score(new Map());
  const found: Metrics['uniform'] = [];
  for (const bits of widths) {
    const weights = layers.map(layer => [layer.initializer, quantizedWeight(model, layer, bits)] as const);
    const { losses, divergences } = await score(new Map(weights));
    found.push({
      bits,
      deltaLoss: pairedDifference(losses, before.losses),
      divergence: measured(divergences),
    });
  }
  return found;
}

/** gᵀδ + ½ δᵀHδ of each layer alone, and over all of them, where the second term also has a part between layers. */
async function expandLosses(run: Run, layers: readonly Layer[]): Promise<void> {
  const { model, options, setUp, metrics: table } = run.state;
  const { problem } = setUp;
  const errorsOf = (layer: Layer): Float32Array[] => options.bits.map(b => weightError(model, layer, b));
  const sum = (shares: Float64Array): number => shares.reduce((total, s) => total + s, 0);
  const linear = options.bits.map(() => 0);
  const own = options.bits.map(() => 0);
  for (const [l, layer] of layers.entries()) {
    tell(run, `expanding the loss along layer ${l + 1} of ${layers.length}`, 0.5 + (0.5 * l) / layers.length);
    const along = await directionalDerivatives(problem, layer, errorsOf(layer), run.signal);
    along.forEach(({ slopes, curvatures }, w) => {
      table.set(layer, 'expansion', options.bits[w], expansion(slopes, curvatures));
      linear[w] += sum(slopes);
      own[w] += sum(curvatures) / 2;
    });
  }
  if (layers.length === 0) return;
  const direction = (w: number, l: number): Float32Array => weightError(model, layers[l], options.bits[w]);
  const forms = await quadraticForms(problem, layers, 1, direction, run.signal);
  try {
    for (const [w, bits] of options.bits.entries()) {
      const [form] = await forms.sample([w]);
      const quadratic = sum(form) / 2;
      const entry = run.state.uniform?.find(u => u.bits === bits);
      if (entry) entry.expansion = { linear: linear[w], quadratic, interactions: quadratic - own[w] };
    }
  } finally {
    await forms.dispose();
  }
}

function tell(run: Run, what: string, share: number): void {
  run.progress.step('metrics', `Metrics: ${what}`, share);
  run.partial();
}
