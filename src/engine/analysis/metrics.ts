import { directionalDerivatives } from '../curvature/directional';
import { fisherTraces } from '../curvature/fisherTraces';
import type { Layer } from '../curvature/layers';
import { outputErrors } from '../curvature/outputErrors';
import { quadraticForms } from '../curvature/quadraticForms';
import { referenceLogits } from '../curvature/scores';
import type { Tensor } from '../onnx/tensor';
import type { Estimate, Method } from '../report/schema';
import { expansion } from '../sensitivity/expansion';
import { omega } from '../sensitivity/omega';
import { measured } from '../sensitivity/sampleMean';
import { sqnr } from '../sensitivity/sqnr';
import { changesAlone, changesTogether } from './changes';
import { weightOf } from './quantizedLayers';
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
  const { quantized, options, setUp, metrics: table } = run.state;
  const { measure, dispose } = await outputErrors(setUp.problem, layers, run.signal);
  try {
    for (const bits of options.bits) {
      const squares = layers.map(layer => quantized.errorAt(layer, bits).map(d => d * d));
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
  const { quantized, options, setUp } = run.state;
  const reference = await eachLayer(run, layers, options.bits);
  tell(run, 'measuring all layers together', 0.5);
  const { bits } = options;
  run.state.uniform = await changesTogether(quantized, setUp.problem, layers, bits, reference, run.signal);
}

/** Measures each layer alone at each of the widths. Resolves to the unchanged model's logits. */
async function eachLayer(run: Run, layers: readonly Layer[], widths: readonly number[]): Promise<Tensor[]> {
  const { quantized, setUp, metrics: table } = run.state;
  const { problem } = setUp;
  const reference = await referenceLogits(problem, run.signal);
  let done = 0;
  for await (const { layer, changes } of changesAlone(
    quantized,
    problem,
    layers,
    widths,
    reference,
    run.signal,
  )) {
    for (const { bits, deltaLoss, divergence } of changes) {
      table.set(layer, 'deltaLoss', bits, deltaLoss);
      table.set(layer, 'divergence', bits, divergence);
    }
    done++;
    tell(run, `layer ${done} of ${layers.length} measured`, (0.5 * done) / layers.length);
  }
  return reference;
}

/** gᵀδ + ½ δᵀHδ of each layer alone, and over all of them, where the second term also has a part between layers. */
async function expandLosses(run: Run, layers: readonly Layer[]): Promise<void> {
  const { quantized, options, setUp, metrics: table } = run.state;
  const { problem } = setUp;
  const errorsOf = (layer: Layer): Float32Array[] => options.bits.map(b => quantized.errorAt(layer, b));
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
  const direction = (w: number, l: number): Float32Array => quantized.errorAt(layers[l], options.bits[w]);
  const forms = await quadraticForms(problem, layers, 'row', 1, direction, run.signal);
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
