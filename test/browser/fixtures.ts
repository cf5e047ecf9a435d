import type { FrontierPoint, LayerReport, Report } from '../../src/engine/report/schema';
import type { ViewState } from '../../src/protocol/view';

export const widths = [2, 3, 4, 8];

/** A small generator with a seed, so that every run shows the same page. */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const perWidth = (value: (bits: number) => number): Record<string, number> =>
  Object.fromEntries(widths.map(bits => [String(bits), value(bits)]));

interface LayerSeed {
  readonly name: string;
  readonly opType: string;
  readonly shape: readonly number[];
  /** Trace of the layer's block of the GGN. */
  readonly trace: number;
}

/** A layer with consistent figures: Ω = average trace · ‖δW‖², quartered by every further bit. */
function layer({ name, opType, shape, trace }: LayerSeed, random: () => number): LayerReport {
  const parameters = shape.reduce((product, size) => product * size, 1);
  const samples = 4 + Math.floor(60 * random());
  const relative = 0.01 + 0.035 * random();
  const error = (bits: number) => 0.02 * parameters ** 0.75 * 4 ** -(bits - 2) * (0.8 + 0.4 * random());
  const quantizationError = perWidth(error);
  const averageTrace = trace / parameters;
  const omega = (bits: number) => averageTrace * (quantizationError[String(bits)] ?? 0);
  return {
    name,
    initializer: name,
    opType,
    nodes: [`/${name.replaceAll('.', '/').replace('/weight', '')}/${opType}`],
    shape: [...shape],
    parameters,
    status: 'analysed',
    trace: {
      ggn: { estimate: trace, stderr: relative * trace, samples, seed: 0, exact: false, converged: true },
    },
    averageTrace,
    hessianEqualsGgn: true,
    quantizationError,
    sensitivity: perWidth(omega),
    sensitivityStderr: perWidth(bits => relative * omega(bits)),
    sizeBytes: perWidth(bits => Math.ceil((parameters * bits) / 8) + 4 * (shape[0] ?? 1)),
    bits: null,
  };
}

/** The frontier by giving bits to whichever layer gains most per byte, from all-smallest to all-largest. */
function frontierOf(layers: readonly LayerReport[]): FrontierPoint[] {
  const level = layers.map(() => 0);
  const figure = (table: (layer: LayerReport) => Record<string, number>, index: number, step = 0) => {
    const found = layers[index];
    return (found && table(found)[String(widths[(level[index] ?? 0) + step])]) ?? 0;
  };
  const taking = layers.flatMap(({ status }, index) => (status === 'analysed' ? [index] : []));
  const total = (table: (layer: LayerReport) => Record<string, number>) =>
    taking.reduce((sum, index) => sum + figure(table, index), 0);
  const parameters = taking.reduce((sum, index) => sum + (layers[index]?.parameters ?? 0), 0);
  const point = (): FrontierPoint => ({
    bytes: total(found => found.sizeBytes),
    effectiveBits: (8 * total(found => found.sizeBytes)) / parameters,
    sensitivity: total(found => found.sensitivity),
    bits: layers.map(({ status }, index) =>
      status === 'analysed' ? (widths[level[index] ?? 0] ?? 8) : null,
    ),
  });
  const points = [point()];
  for (;;) {
    const gain = (index: number) =>
      (figure(found => found.sensitivity, index) - figure(found => found.sensitivity, index, 1)) /
      (figure(found => found.sizeBytes, index, 1) - figure(found => found.sizeBytes, index));
    const open = taking.filter(index => (level[index] ?? 0) < widths.length - 1);
    const [best] = open.sort((a, b) => gain(b) - gain(a));
    if (best === undefined) return points;
    level[best] = (level[best] ?? 0) + 1;
    points.push(point());
  }
}

/** Fills in frontier, budget and bits for a limit between the smallest and the largest size. */
function allocated(report: Report, share: number): Report {
  const frontier = frontierOf(report.layers);
  const smallest = frontier[0]?.bytes ?? 0;
  const limit = smallest + share * ((frontier.at(-1)?.bytes ?? 0) - smallest);
  const chosen = frontier.filter(point => point.bytes <= limit).at(-1) ?? frontier[0];
  if (!chosen) return report;
  return {
    ...report,
    layers: report.layers.map((found, index) => ({ ...found, bits: chosen.bits[index] ?? null })),
    frontier,
    budget: { requested: String(share), bytes: Math.round(limit), feasible: true, chosen },
  };
}

function reportOf(seeds: readonly LayerSeed[], file: string): Report {
  const random = uniform(7);
  const layers = seeds.map(seed => layer(seed, random));
  return {
    format: 'curvature-report',
    version: 1,
    createdAt: '2025-11-24T09:30:00.000Z',
    complete: true,
    tool: { name: 'curvature', version: '0.1.0' },
    model: {
      file: `models/${file}`,
      sha256: '9f2c4f1e6a0b7d8835c1f9a4e2b70d6c5a8e13f47b92d0c6e5f8a1b3c4d5e6f7',
      sizeBytes: 4.06 * layers.reduce((sum, { parameters }) => sum + parameters, 0),
      opset: 17,
      producer: 'pytorch 2.4.0',
      nodes: 9 * layers.length + 3,
      parameters: layers.reduce((sum, { parameters }) => sum + parameters, 0) + 32 * layers.length,
      output: 'logits',
    },
    data: {
      source: 'file',
      file: 'data/calibration.npz',
      sha256: '1b7e0c9d2f3a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9001122334',
      arrays: [
        { name: 'images', elemType: 'float32', shape: [512, 3, 32, 32] },
        { name: 'labels', elemType: 'int64', shape: [512] },
      ],
      labels: 'labels',
    },
    settings: {
      loss: 'cross-entropy',
      matrix: 'ggn',
      sensitivityMatrix: 'ggn',
      eigenvalues: 5,
      batch: 64,
      rtol: 0.05,
      maxProbes: 100,
      bits: widths,
      seed: 0,
      executionProvider: 'cpu',
      threads: 2,
    },
    loss: 0.4317,
    samples: 512,
    layers,
    eigenvalues: [
      { value: 21.84, residual: 0.0019, converged: true },
      { value: 14.02, residual: 0.0013, converged: true },
      { value: 9.37, residual: 0.0009, converged: true },
      { value: 7.91, residual: 0.0411, converged: true },
      { value: 6.6, residual: 0.62, converged: false },
    ],
    smallestEigenvalue: { value: -0.4121, residual: 0.08, converged: false },
    frontier: [],
    budget: null,
    diagnostics: [
      {
        severity: 'info',
        code: 'hessian-equals-ggn',
        message:
          'Every path from the layers to the loss is piecewise linear: the GGN trace is the Hessian trace.',
      },
    ],
    timings: { load: 0.12, loss: 0.31, ggn: 2.84, eigenvalues: 6.4, allocation: 0.02 },
  };
}

/** Seven layers; the first convolution carries most of the predicted loss. */
export function smallReport(): Report {
  const seeds: LayerSeed[] = [
    { name: 'conv1.weight', opType: 'Conv', shape: [16, 3, 3, 3], trace: 640 },
    { name: 'layer1.0.conv1.weight', opType: 'Conv', shape: [16, 16, 3, 3], trace: 96 },
    { name: 'layer1.0.conv2.weight', opType: 'Conv', shape: [16, 16, 3, 3], trace: 61 },
    { name: 'layer2.0.conv1.weight', opType: 'Conv', shape: [32, 16, 3, 3], trace: 44 },
    { name: 'layer2.0.conv2.weight', opType: 'Conv', shape: [32, 32, 3, 3], trace: 27 },
    { name: 'layer3.0.conv1.weight', opType: 'Conv', shape: [64, 32, 3, 3], trace: 18 },
    { name: 'fc.weight', opType: 'Gemm', shape: [10, 64], trace: 0.9 },
  ];
  return allocated(reportOf(seeds, 'resnet8.onnx'), 0.17);
}

/** Sixty layers of a transformer with long scope paths, over five decades of sensitivity. */
export function largeReport(): Report {
  const random = uniform(3);
  const parts = [
    'attention.query',
    'attention.key',
    'attention.value',
    'attention.output',
    'mlp.up',
    'mlp.down',
  ];
  const seeds = Array.from({ length: 60 }, (_, index): LayerSeed => {
    const part = parts[index % parts.length] ?? '';
    const shape = part === 'mlp.up' ? [1536, 384] : part === 'mlp.down' ? [384, 1536] : [384, 384];
    return {
      name: `encoder.layer.${Math.floor(index / parts.length)}.${part}.dense.weight`,
      opType: 'MatMul',
      shape,
      trace: 10 ** (3.4 - index / 28 + 1.6 * (random() - 0.5)),
    };
  });
  return allocated(reportOf(seeds, 'distilled-encoder.onnx'), 0.42);
}

/** Cancelled after four layers. */
export function cancelledReport(): Report {
  const whole = smallReport();
  return {
    ...whole,
    complete: false,
    stopped: { reason: 'cancelled', message: 'Cancelled by the user.' },
    layers: whole.layers.map((found, index) =>
      index < 4
        ? { ...found, bits: null }
        : {
            ...found,
            status: 'pending',
            trace: {},
            averageTrace: null,
            sensitivity: {},
            sensitivityStderr: {},
            bits: null,
          },
    ),
    eigenvalues: [],
    frontier: [],
    budget: null,
  };
}

/** Two layers that derivatives can't reach, and the reasons. */
export function notReachedReport(): Report {
  const whole = smallReport();
  const reason = 'below node “/roi/NonMaxSuppression” (NonMaxSuppression), which has no derivative';
  const layers = whole.layers.map((found, index): LayerReport =>
    index < 2
      ? {
          ...found,
          status: 'not-reached',
          reason,
          trace: {},
          averageTrace: null,
          sensitivity: {},
          sensitivityStderr: {},
          bits: null,
        }
      : found,
  );
  return allocated(
    {
      ...whole,
      layers,
      data: { source: 'synthetic', arrays: [{ name: 'input', elemType: 'float32', shape: [64, 3, 32, 32] }] },
      settings: { ...whole.settings, loss: 'kl' },
      loss: 0,
      samples: 64,
      diagnostics: [
        {
          severity: 'info',
          code: 'synthetic-inputs',
          message: 'No data was given; inputs were drawn at random.',
        },
        {
          severity: 'warning',
          code: 'unsupported-operator',
          message: 'NonMaxSuppression has no derivative; two layers below it were not reached.',
          node: '/roi/NonMaxSuppression',
          layer: 'conv1.weight',
        },
        {
          severity: 'error',
          code: 'non-finite',
          message: 'Three samples gave a loss that is not finite and were left out.',
        },
      ],
    },
    0.5,
  );
}

/** Both matrices measured, the Hessian deciding; some of its traces are negative or zero, some exact, some capped. */
export function hessianReport(): Report {
  const whole = smallReport();
  const factors = [1.1, 0.9, -0.4, 1.02, 0, 1.3, 0.97];
  const layers = whole.layers.map((found, index): LayerReport => {
    const ggn = found.trace.ggn?.estimate ?? 0;
    const factor = factors[index] ?? 1;
    const estimate = factor * ggn;
    const exact = index === 6;
    const hessian = {
      estimate,
      stderr: exact ? 0 : 0.3 * ggn,
      samples: exact ? found.parameters : 100,
      seed: 0,
      exact,
      converged: exact || index > 3,
    };
    return {
      ...found,
      trace: { ...found.trace, hessian },
      averageTrace: estimate / found.parameters,
      sensitivity: perWidth(bits => factor * (found.sensitivity[String(bits)] ?? 0)),
      sensitivityStderr: perWidth(bits => (exact ? 0 : 0.3 * Math.abs(found.sensitivity[String(bits)] ?? 0))),
      hessianEqualsGgn: false,
    };
  });
  return allocated(
    {
      ...whole,
      layers,
      settings: { ...whole.settings, matrix: 'both', sensitivityMatrix: 'hessian' },
      eigenvalues: [...whole.eigenvalues.slice(0, 4), { value: -3.2, residual: 0.02, converged: true }],
      smallestEigenvalue: undefined,
    },
    0.4,
  );
}

/** A name that would run as markup anywhere text is taken for HTML. */
export const hostileName = '<img src=x onerror="window.hacked=1"></script><script>window.hacked=1</script>';

export function hostileReport(): Report {
  const whole = smallReport();
  return {
    ...whole,
    model: { ...whole.model, file: `models/${hostileName}` },
    layers: whole.layers.map(found => ({ ...found, name: hostileName, opType: hostileName })),
    diagnostics: [
      { severity: 'warning', code: 'odd-name', message: hostileName, node: hostileName, layer: hostileName },
    ],
  };
}

export const doneState = (report: Report): ViewState => ({
  modelName: report.model.file.split('/').at(-1) ?? '',
  phase: 'done',
  report,
  canAnalyze: true,
});

export const idleState: ViewState = { modelName: 'resnet8.onnx', phase: 'idle', canAnalyze: true };

export function runningState(fraction = 0.42): ViewState {
  const report = cancelledReport();
  return {
    modelName: 'resnet8.onnx',
    phase: 'running',
    progress: {
      stage: 'ggn',
      message: 'GGN traces: draw 3 of at most 64',
      fraction,
      relativeError: 0.124,
      etaSeconds: 11.6,
    },
    report: { ...report, stopped: undefined },
    canAnalyze: true,
  };
}

export const cancelledState = (): ViewState => ({ ...doneState(cancelledReport()), phase: 'cancelled' });

export const failedState: ViewState = {
  modelName: 'resnet8.onnx',
  phase: 'failed',
  error: {
    message: 'The data file has no array for the input “images”.',
    hint: 'It holds: pixels, labels. Rename one, or choose another file.',
  },
  canAnalyze: true,
};
