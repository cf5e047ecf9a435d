import type { ModelDescription } from '../../../src/engine/analysis/modelDescription';
import { defaultOptions } from '../../../src/engine/analysis/options';
import { REPORT_VERSION, type LayerReport, type Report } from '../../../src/engine/report/schema';

/** A layer with plausible numbers; `omega` is Ω at 2 bits, and each further bit quarters it. */
export function aLayer(
  name: string,
  omega: number,
  bits: number,
  more: Partial<LayerReport> = {},
): LayerReport {
  const widths = defaultOptions.bits;
  const perBits = (value: (width: number) => number): Record<string, number> =>
    Object.fromEntries(widths.map(width => [width, value(width)]));
  return {
    name,
    initializer: name,
    opType: 'Conv',
    nodes: [`/${name}/Conv`],
    shape: [8, 4, 3, 3],
    parameters: 288,
    status: 'analysed',
    trace: { ggn: { estimate: 12.345, stderr: 0.31, samples: 16, seed: 0, exact: false, converged: true } },
    averageTrace: 12.345 / 288,
    hessianEqualsGgn: true,
    quantizationError: perBits(width => 4 ** -width),
    sensitivity: perBits(width => omega * 4 ** (2 - width)),
    sensitivityStderr: perBits(width => 0.025 * omega * 4 ** (2 - width)),
    sizeBytes: perBits(width => 36 * width + 32),
    bits,
    ...more,
  };
}

export function aReport(layers: LayerReport[], more: Partial<Report> = {}): Report {
  return {
    format: 'curvature-report',
    version: REPORT_VERSION,
    createdAt: '2026-01-01T00:00:00.000Z',
    complete: true,
    tool: { name: 'curvature', version: '0.0.0' },
    model: {
      file: 'net.onnx',
      sha256: '0'.repeat(64),
      sizeBytes: 1,
      opset: 17,
      producer: 'pytorch',
      nodes: 3,
      parameters: 600,
      output: 'logits',
    },
    data: { source: 'file', file: 'net.npz', arrays: [] },
    settings: {
      loss: 'cross-entropy',
      matrix: 'ggn',
      sensitivityMatrix: 'ggn',
      eigenvalues: 0,
      batch: 16,
      rtol: 0.05,
      maxProbes: 100,
      bits: [...defaultOptions.bits],
      seed: 0,
      executionProvider: 'cpu',
      threads: 2,
    },
    loss: 0.1,
    samples: 64,
    layers,
    eigenvalues: [],
    frontier: [],
    budget: null,
    diagnostics: [],
    timings: {},
    ...more,
  };
}

export const aModel: ModelDescription = {
  file: 'net.onnx',
  opset: 17,
  producer: 'pytorch 2.7',
  parameters: 33802,
  inputs: [{ name: 'input', elemType: 'float32', shape: ['N', 1, 28, 28] }],
  outputs: [{ name: 'logits', elemType: 'float32', shape: ['N', 10] }],
  initializers: [
    { name: 'conv1.weight', elemType: 'float32', shape: [8, 1, 3, 3] },
    { name: 'onnx::MatMul_7', elemType: 'float32', shape: [6272, 10] },
  ],
  nodes: [
    {
      name: '/conv1/Conv',
      opType: 'Conv',
      domain: '',
      inputs: ['input', 'conv1.weight', ''],
      outputs: ['conv1_out'],
      attributes: ['pads=[1, 1, 1, 1]'],
      layers: ['conv1.weight'],
    },
    {
      name: '',
      opType: 'Relu',
      domain: '',
      inputs: ['conv1_out'],
      outputs: ['relu_out'],
      attributes: [],
      layers: [],
    },
    {
      name: '/fc/MatMul',
      opType: 'MatMul',
      domain: 'com.example',
      inputs: ['relu_out', 'onnx::MatMul_7'],
      outputs: ['logits'],
      attributes: [],
      layers: ['fc'],
    },
  ],
};
