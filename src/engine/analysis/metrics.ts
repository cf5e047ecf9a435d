import { directionalDerivatives } from '../curvature/directional';
import { fisherTraces } from '../curvature/fisherTraces';
import type { Layer } from '../curvature/layers';
import { outputErrors } from '../curvature/outputErrors';
import { quadraticForms } from '../curvature/quadraticForms';
import { referenceLogits, scorer } from '../curvature/scores';
import type { Tensor } from '../onnx/tensor';
import type { Metrics } from '../report/metrics';
import type { Estimate, Method } from '../report/schema';
import { expansion } from '../sensitivity/expansion';
import { omega } from '../sensitivity/omega';
import { measured, pairedDifference } from '../sensitivity/sampleMean';
import { sqnr } from '../sensitivity/sqnr';
import { MetricTable } from './metricTable';
import { quantizedWeight, weightError, weightOf } from './quantizedWeight';
import type { Run } from './run';

/** What `--metrics` adds to an analysis; grows while it runs. */
export interface MetricsFound {
  readonly table: MetricTable;
  readonly uniform: Metrics['uniform'];
}

/** The metrics of each layer alone at each width, and of all layers together. A part that fails costs its own results only. */
export async function measureMetrics(run: Run): Promise<void> {
  const { model, methods, setUp } = run.state;
  const layers = model.layers.filter(l => methods.has(l.initializer));
  if (layers.length === 0) return;
  const by = (...wanted: Method[]): Layer[] =>
    layers.filter(l => wanted.includes(methods.get(l.initializer)!));
  const found: MetricsFound = { table: new MetricTable(), uniform: [] };
  run.state.metrics = found;
  fromTraces(run, layers, found.table);
  const attempt = (title: string, body: () => Promise<void>): Promise<void> =>
    run.attempt('metrics', title, body);
  await attempt('Errors of layers’ outputs', () => inputWeighted(run, layers, found.table));
  if (setUp.problem.loss.isLabelled)
    await attempt('Traces of the empirical Fisher matrix', () => fit(run, by('exact', 'ggn'), found.table));
  await attempt('Losses of quantized models', () => measureLosses(run, layers, found));
  await attempt('Expansions of the loss', () => expandLosses(run, by('exact'), found));
}

/** Ω of both matrices, and SQNR. */
function fromTraces({ state }: Run, layers: readonly Layer[], table: MetricTable): void {
  const { model, options, quantization } = state;
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
async function inputWeighted(run: Run, layers: readonly Layer[], table: MetricTable): Promise<void> {
  const { model, options, setUp } = run.state;
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
async function fit(run: Run, layers: readonly Layer[], table: MetricTable): Promise<void> {
  const { options, quantization, setUp } = run.state;
  if (layers.length === 0) return;
  const traces = await fisherTraces(setUp.problem, layers, options.seed, run.signal);
  layers.forEach((layer, l) => {
    for (const bits of options.bits) {
      const error = quantization.get(layer.initializer)!.error[String(bits)];
      table.set(layer, 'fit', bits, omega(traces[l], layer.size, error));
    }
  });
}

/** ΔL and KL of each layer alone at each width, and of all layers together. */
async function measureLosses(
  run: Run,
  layers: readonly Layer[],
  { table, uniform }: MetricsFound,
): Promise<void> {
  const { model, setUp } = run.state;
  const reference = await referenceLogits(setUp.problem, run.signal);
  const quantizedAt = (bits: number, of: readonly Layer[]): Map<string, Float32Array> =>
    new Map(of.map(layer => [layer.initializer, quantizedWeight(model, layer, bits).values]));
  for (const [l, layer] of layers.entries()) {
    tell(run, `measuring layer ${l + 1} of ${layers.length}`, (0.5 * l) / layers.length);
    for (const { bits, ...change } of await changes(run, [layer], reference, bits => quantizedAt(bits, [layer]))) {
      table.set(layer, 'deltaLoss', bits, change.deltaLoss);
      if (change.kl) table.set(layer, 'kl', bits, change.kl);
    }
  }
  tell(run, 'measuring all layers together', 0.5);
  uniform.push(...(await changes(run, layers, reference, bits => quantizedAt(bits, layers))));
}

/** What the loss and the output change by with some layers at each of the widths. */
async function changes(
  { state, signal }: Run,
  layers: readonly Layer[],
  reference: readonly Tensor[],
  weightsAt: (bits: number) => Map<string, Float32Array>,
): Promise<Metrics['uniform']> {
  const { score, dispose } = await scorer(state.setUp.problem, layers, reference, signal);
  const found: Metrics['uniform'] = [];
  try {
    // By the same session, so that an unchanged weight changes nothing.
    const before = await score(new Map());
    for (const bits of state.options.bits) {
      const { losses, divergences } = await score(weightsAt(bits));
      const kl = divergences && measured(divergences);
      found.push({ bits, deltaLoss: pairedDifference(losses, before.losses), ...(kl ? { kl } : {}) });
    }
  } finally {
    await dispose();
  }
  return found;
}

/** gᵀδ + ½ δᵀHδ of each layer alone, and over all of them, where the second term also has a part between layers. */
async function expandLosses(run: Run, layers: readonly Layer[], found: MetricsFound): Promise<void> {
  const { model, options, setUp } = run.state;
  const { problem } = setUp;
  const errorsOf = (layer: Layer): Float32Array[] => options.bits.map(b => weightError(model, layer, b));
  const sum = (shares: Float64Array): number => shares.reduce((total, s) => total + s, 0);
  const linear = options.bits.map(() => 0);
  const own = options.bits.map(() => 0);
  for (const [l, layer] of layers.entries()) {
    tell(run, `expanding the loss along layer ${l + 1} of ${layers.length}`, 0.5 + (0.5 * l) / layers.length);
    const along = await directionalDerivatives(problem, layer, errorsOf(layer), run.signal);
    along.forEach(({ slopes, curvatures }, w) => {
      found.table.set(layer, 'expansion', options.bits[w], expansion(slopes, curvatures));
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
      const entry = found.uniform.find(u => u.bits === bits);
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
