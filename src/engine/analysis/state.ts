import path from 'node:path';
import type { Layer } from '../curvature/layers';
import { numElements } from '../onnx/tensor';
import type { PlainGranularity } from '../quantization/quantizer';
import type { Diagnostic, Eigenvalue, Estimate, LayerReport, Method, Report } from '../report/schema';
import type { LayerMetrics, Metrics } from '../report/metrics';
import { REPORT_VERSION } from '../report/schema';
import { omega } from '../sensitivity/omega';
import type { MeasuredActivation } from './activations';
import { activationReports } from './activationReports';
import { allocate, type JointWidths } from './allocate';
import { layerBops } from './bops';
import { estimateDiagnostics } from './estimateDiagnostics';
import type { MeasuredLatency } from './latency';
import type { Fit } from './memory';
import type { Model } from './model';
import { correlationsOf, type MetricTable } from './metricTable';
import type { AnalyzeOptions } from './options';
import type { QuantizedLayers } from './quantizedLayers';
import type { SetUp } from './setUp';

/** The version of this tool, as reports record it. */
export const TOOL = { name: 'curvature', version: '0.1.0' };

/** ‖Q(W) − W‖², what shares a scale, and bytes of one layer per bit width. */
interface Quantization {
  readonly error: Record<string, number>;
  readonly granularity: Record<string, PlainGranularity['kind']>;
  readonly sizeBytes: Record<string, number>;
}

/** What is known so far; grows as stages end, and can be made into a report at any time. */
export interface State {
  readonly model: Model;
  readonly options: AnalyzeOptions;
  readonly setUp: SetUp;
  /** What fits into memory. */
  readonly fit: Fit;
  readonly createdAt: string;
  /** Seconds per stage. */
  readonly timings: Record<string, number>;
  readonly piecewiseLinear: ReadonlySet<string>;
  readonly quantized: QuantizedLayers;
  readonly quantization: ReadonlyMap<string, Quantization>;
  /** How each layer is measured, by initializer; changes where a stage fails. */
  readonly methods: Map<string, Method>;
  /** Stages that failed, and layers that were left out on the way. */
  readonly failures: Diagnostic[];
  activations?: readonly MeasuredActivation[];
  /** Searches that ended because their time was up. */
  readonly timeStops: Diagnostic[];
  loss: number | null;
  /** Traces by initializer. */
  readonly ggn: Map<string, Estimate>;
  readonly hessian: Map<string, Estimate>;
  /** How much the forms of a layer measured by differences change with their step. */
  readonly stepDoubts: Map<string, number>;
  eigenvalues: readonly Eigenvalue[];
  /** The other end of the spectrum, from the same products. */
  smallestEigenvalue?: Eigenvalue;
  /** What is measured of single layers, all of it or the coarse widths alone. */
  readonly metrics: MetricTable;
  /** All layers at one width together; only where metrics are asked for. */
  uniform?: Metrics['uniform'];
  /** Only where it is asked for. */
  latency?: MeasuredLatency;
  /** Once whole choices were run. */
  joint?: JointWidths;
}

export function quantizeLayers(
  { layers }: Model,
  quantized: QuantizedLayers,
  bits: readonly number[],
): Map<string, Quantization> {
  return new Map(
    layers.map(layer => {
      const perBits = <T>(value: (layer: Layer, b: number) => T): Record<string, T> =>
        Object.fromEntries(bits.map(b => [String(b), value(layer, b)]));
      return [
        layer.initializer,
        {
          error: perBits(quantized.squaredErrorAt),
          granularity: perBits((l, b) => quantized.quantizerOf(l, b).granularity.kind),
          sizeBytes: perBits(quantized.bytesAt),
        },
      ];
    }),
  );
}

const matrixOf = (options: AnalyzeOptions): 'ggn' | 'hessian' =>
  options.matrix === 'hessian' ? 'hessian' : 'ggn';

export function buildReport(state: State, complete: boolean, stopped?: Report['stopped']): Report {
  const { model, options, setUp } = state;
  const { problem } = setUp;
  const { device } = problem.session;
  const activations =
    state.activations && activationReports(state.activations, model.graph, setUp, matrixOf(options));
  const bops = layerBops(model, setUp, options.bits, activations ?? []);
  const layers = model.layers.map((layer, i) => ({
    ...layerReport(state, layer, complete),
    ...withLatency(state, layer, bops[i].costs),
  }));
  const { frontier, budget, bits } = allocate(layers, options.budget, state.joint);
  return {
    format: 'curvature-report',
    version: REPORT_VERSION,
    createdAt: state.createdAt,
    complete,
    ...(stopped ? { stopped } : {}),
    tool: TOOL,
    model: {
      file: path.basename(model.file),
      sha256: model.sha256,
      sizeBytes: model.sizeBytes,
      opset: model.graph.opsets.get('') ?? 0,
      producer: model.producer,
      nodes: model.graph.nodes.length,
      parameters: model.parameters.reduce((sum, p) => sum + p.size, 0),
      output: problem.outputs.join(', '),
    },
    data: setUp.data,
    settings: {
      loss: problem.loss.kind,
      matrix: options.matrix,
      sensitivityMatrix: matrixOf(options),
      eigenvalues: options.eigenvalues,
      batch: problem.batch,
      rtol: options.rtol,
      maxProbes: options.maxProbes,
      ...(options.seconds === undefined ? {} : { seconds: options.seconds }),
      bits: [...options.bits],
      granularity: options.granularity,
      ...(options.activations === undefined ? {} : { activations: options.activations }),
      ...(options.measureUpTo > 0 ? { measureUpTo: options.measureUpTo } : {}),
      ...(options.jointRuns > 1 ? { jointRuns: options.jointRuns } : {}),
      seed: options.seed,
      executionProvider: options.executionProvider,
      threads: problem.session.threads,
    },
    device: { provider: device.provider, name: device.name, notTaken: [...device.refused] },
    memory: { predictedBytes: Math.round(state.fit.predictedBytes) },
    loss: state.loss,
    samples: problem.dataset.samples,
    layers: layers.map((layer, i) => ({ ...layer, bits: bits[i] ?? null })),
    ...(activations ? { activations } : {}),
    eigenvalues: [...state.eigenvalues],
    ...(state.smallestEigenvalue ? { smallestEigenvalue: state.smallestEigenvalue } : {}),
    frontier,
    budget,
    ...(state.uniform ? { metrics: metricsReport(state.uniform, layers, options, complete) } : {}),
    ...(state.latency ? { latency: state.latency.of } : {}),
    diagnostics: [
      ...setUp.diagnostics,
      ...deviceDiagnostics(device.failure),
      ...state.failures,
      ...(state.latency?.notes ?? []),
      ...estimateDiagnostics(state, layers),
      ...state.timeStops,
    ],
    timings: state.timings,
  };
}

/** The trace that decides a layer's bits: of the matrix asked for, or the GGN's where there is no Hessian. */
const decidingOf = ({ options, ggn, hessian }: State, { initializer }: Layer): Estimate | undefined =>
  (matrixOf(options) === 'hessian' ? hessian.get(initializer) : undefined) ?? ggn.get(initializer);

function layerReport(state: State, layer: Layer, complete: boolean): LayerReport {
  const ggn = state.ggn.get(layer.initializer);
  const hessian = state.hessian.get(layer.initializer);
  const deciding = decidingOf(state, layer);
  const method = state.methods.get(layer.initializer);
  const { error, granularity, sizeBytes } = state.quantization.get(layer.initializer)!;
  const metrics = state.metrics.of(layer);
  const sensitivities = deciding
    ? Object.entries(error).map(
        ([b, e]) => [b, measuredInstead(state, metrics, b) ?? omega(deciding, layer.size, e)] as const,
      )
    : [];
  const failed = deciding ? undefined : state.failures.find(f => f.layer === layer.name)?.message;
  const reason = failed ?? state.setUp.reasons.get(layer.initializer);
  const status = deciding ? 'analysed' : method === undefined || complete ? 'not-reached' : 'pending';
  const currentBits = state.model.currentBits.get(layer.initializer);
  return {
    name: layer.name,
    initializer: layer.initializer,
    opType: layer.opType,
    nodes: [...layer.nodes],
    shape: [...layer.shape],
    parameters: numElements(layer.shape),
    ...(currentBits !== undefined ? { currentBits } : {}),
    status,
    ...(reason !== undefined ? { reason } : {}),
    ...(method !== undefined && status !== 'not-reached' ? { method } : {}),
    trace: { ...(ggn ? { ggn } : {}), ...(hessian ? { hessian } : {}) },
    averageTrace: deciding ? deciding.estimate / layer.size : null,
    hessianEqualsGgn: state.piecewiseLinear.has(layer.initializer),
    quantizationError: error,
    granularity,
    sensitivity: Object.fromEntries(sensitivities.map(([b, o]) => [b, o.value])),
    sensitivityStderr: Object.fromEntries(sensitivities.map(([b, o]) => [b, o.stderr])),
    sizeBytes,
    ...(metrics ? { metrics } : {}),
    bits: null,
  };
}

function withLatency(
  { latency }: State,
  { initializer }: Layer,
  costs: LayerReport['costs'],
): Pick<LayerReport, 'costs' | 'latency'> {
  const found = latency?.layers.get(initializer);
  if (!found) return costs ? { costs } : {};
  return { costs: { ...costs, latency: found.ms }, latency: found.beside };
}

/**
 * Where the step is large the quadratic model fails, and what was measured stands in its place: the divergence from the unchanged
 * model, twice, as Ω is twice what the loss is expected to rise by. On the data given it has no noise.
 */
function measuredInstead(
  { options }: State,
  metrics: LayerMetrics | undefined,
  bits: string,
): { value: number; stderr: number } | undefined {
  const found = metrics?.divergence?.[bits];
  if (!found || Number(bits) > options.measureUpTo) return undefined;
  // Rounding may leave a divergence of nothing a little below zero.
  return { value: 2 * Math.max(found.value, 0), stderr: 0 };
}

const metricsReport = (
  uniform: Metrics['uniform'],
  layers: readonly LayerReport[],
  { bits, seed }: AnalyzeOptions,
  complete: boolean,
): Metrics => ({
  // Their intervals take a second; partial reports are made several times in one.
  correlations: complete
    ? correlationsOf(
        layers.map(l => l.metrics),
        bits,
        seed,
      )
    : [],
  uniform: uniform.map(u => ({ ...u })),
});

const deviceDiagnostics = (failure: string | undefined): Diagnostic[] =>
  failure === undefined ? [] : [{ severity: 'warning', code: 'provider-failed', message: failure }];
