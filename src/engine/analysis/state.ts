import path from 'node:path';
import type { Layer } from '../curvature/layers';
import { numElements } from '../onnx/tensor';
import { quantizedBytes } from '../quantization/size';
import { quantizeUniform } from '../quantization/uniform';
import type { Diagnostic, Eigenvalue, Estimate, LayerReport, Report } from '../report/schema';
import { REPORT_VERSION } from '../report/schema';
import { omega } from '../sensitivity/omega';
import { allocate } from './allocate';
import type { Model } from './model';
import type { AnalyzeOptions } from './options';
import type { SetUp } from './setUp';

/** The version of this tool, as reports record it. */
export const TOOL = { name: 'curvature', version: '0.1.0' };

/** ‖Q(W) − W‖² and bytes of one layer per bit width. */
interface Quantization {
  readonly error: Record<string, number>;
  readonly sizeBytes: Record<string, number>;
}

/** What is known so far; grows as stages end, and can be made into a report at any time. */
export interface State {
  readonly model: Model;
  readonly options: AnalyzeOptions;
  readonly setUp: SetUp;
  readonly createdAt: string;
  /** Seconds per stage. */
  readonly timings: Record<string, number>;
  readonly piecewiseLinear: ReadonlySet<string>;
  readonly quantization: ReadonlyMap<string, Quantization>;
  loss: number | null;
  ggn: readonly Estimate[];
  hessian: readonly Estimate[];
  eigenvalues: readonly Eigenvalue[];
}

export function quantizeLayers(model: Model, bits: readonly number[]): Map<string, Quantization> {
  return new Map(
    model.layers.map(layer => {
      const { initializer: name, shape, size, channelAxis: axis } = layer;
      const weight = { name, shape, data: model.graph.initializers.get(name)!.data as Float32Array };
      const perBits = <T>(value: (b: number) => T): Record<string, T> =>
        Object.fromEntries(bits.map(b => [String(b), value(b)]));
      return [
        name,
        {
          error: perBits(b => quantizeUniform(weight, { bits: b, axis }).error),
          sizeBytes: perBits(b => quantizedBytes(size, axis === null ? 1 : shape[axis], b)),
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
  const layers = model.layers.map(layer => layerReport(state, layer, complete));
  const { frontier, budget, bits } = allocate(layers, options.budget);
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
      bits: [...options.bits],
      seed: options.seed,
      executionProvider: options.executionProvider,
      threads: problem.session.threads,
    },
    loss: state.loss,
    samples: problem.dataset.samples,
    layers: layers.map((layer, i) => ({ ...layer, bits: bits[i] ?? null })),
    eigenvalues: [...state.eigenvalues],
    frontier,
    budget,
    diagnostics: [...setUp.diagnostics, ...estimateDiagnostics(state, layers)],
    timings: state.timings,
  };
}

function layerReport(state: State, layer: Layer, complete: boolean): LayerReport {
  const { setUp, options } = state;
  const index = setUp.reached.indexOf(layer);
  const ggn = index < 0 ? undefined : state.ggn[index];
  const hessian = index < 0 ? undefined : state.hessian[index];
  const deciding = matrixOf(options) === 'ggn' ? ggn : hessian;
  const { error, sizeBytes } = state.quantization.get(layer.initializer)!;
  const omegas = deciding
    ? Object.entries(error).map(([b, e]) => [b, omega(deciding, layer.size, e)] as const)
    : [];
  const reason = setUp.reasons.get(layer.initializer);
  const currentBits = state.model.currentBits.get(layer.initializer);
  return {
    name: layer.name,
    initializer: layer.initializer,
    opType: layer.opType,
    nodes: [...layer.nodes],
    shape: [...layer.shape],
    parameters: numElements(layer.shape),
    ...(currentBits !== undefined ? { currentBits } : {}),
    status: index < 0 ? 'not-reached' : deciding || complete ? 'analysed' : 'pending',
    ...(reason !== undefined ? { reason } : {}),
    trace: { ...(ggn ? { ggn } : {}), ...(hessian ? { hessian } : {}) },
    averageTrace: deciding ? deciding.estimate / layer.size : null,
    hessianEqualsGgn: state.piecewiseLinear.has(layer.initializer),
    quantizationError: error,
    sensitivity: Object.fromEntries(omegas.map(([b, o]) => [b, o.value])),
    sensitivityStderr: Object.fromEntries(omegas.map(([b, o]) => [b, o.stderr])),
    sizeBytes,
    bits: null,
  };
}

/** What a person should know of the estimates: caps that were reached, and traces below zero. */
function estimateDiagnostics(
  { options, setUp, ggn, hessian }: State,
  layers: readonly LayerReport[],
): Diagnostic[] {
  const capped = (name: string, estimates: readonly Estimate[]): Diagnostic[] => {
    const open = estimates.filter(e => !e.converged);
    if (open.length === 0 || (estimates[0]?.samples ?? 0) < options.maxProbes) return [];
    const worst = Math.max(...open.map(e => (e.estimate === 0 ? Infinity : e.stderr / Math.abs(e.estimate))));
    return [
      {
        severity: 'info',
        code: 'probe-cap',
        message:
          `${name} traces of ${open.length} of ${estimates.length} layers did not reach a relative error of ${percent(options.rtol)} within ` +
          `${options.maxProbes} probes; the largest is ${percent(worst)}. Raise the cap on probes for a smaller one.`,
      },
    ];
  };
  const deciding = matrixOf(options) === 'ggn' ? ggn : hessian;
  const negative = setUp.reached.filter((_, l) => (deciding[l]?.estimate ?? 0) < 0).map(layer => layer.name);
  const clamped = layers.filter(l => negative.includes(l.name));
  return [
    ...capped('GGN', ggn),
    ...capped('Hessian', hessian),
    ...clamped.map((l): Diagnostic => ({
      severity: 'warning',
      code: 'negative-trace',
      layer: l.name,
      message: `The trace of ${l.name} is estimated below zero; its sensitivity counts as 0. The GGN is never negative.`,
    })),
  ];
}

const percent = (x: number): string => `${(100 * x).toPrecision(2)} %`;
