import type { StabilityReport } from '../../src/engine/report/stability';
import type { Training } from '../../src/engine/training/optimizers';

export interface StudySeed {
  readonly largest?: number;
  readonly trace?: number;
  readonly training?: Partial<Training>;
  readonly isPreconditioned?: boolean;
}

/** Plain SGD with batches of 16 of 128 samples, λmax 10, trace 40: stable below 2/(15/16 · 10 + 40/16) = 0.1684, unstable above 2/10. */
export function aStability({
  largest = 10,
  trace = 40,
  training,
  isPreconditioned = false,
}: StudySeed = {}): StabilityReport {
  const eigenvalue = (value: number) => ({ value, residual: 1e-4, converged: true });
  const [samples, variance] = [128, 500];
  /** λmax of batches of 1 to 64; the smallest batches happen to bend downwards. */
  const means = [-2, 4, 9, 14, 18, 16, 12];
  return {
    format: 'curvature-stability',
    version: 1,
    tool: { name: 'curvature', version: '0.1.0' },
    model: { file: 'resnet8.onnx', sha256: '0'.repeat(64) },
    data: { source: 'file', file: 'resnet8.npz', sha256: '1'.repeat(64), arrays: [] },
    training: { learningRate: 0.1, batchSize: 16, momentum: 0, optimizer: 'sgd', ...training },
    settings: {
      ...{ loss: 'cross-entropy', matrix: 'hessian', isPreconditioned, batches: 8, seed: 0 },
      ...{ batch: 64, executionProvider: 'cpu' },
    },
    device: 'CPU',
    memory: { predictedBytes: 1e8 },
    ...{ samples, size: 78_000 },
    largest: eigenvalue(largest),
    smallest: eigenvalue(-1),
    trace: {
      ...{ estimate: trace, stderr: 2, samples: 24, seed: 0, exact: false, converged: true },
      ...{ method: 'xtrace', products: 48, interval: [36, 44] },
    },
    criticalBatchSize: trace / largest,
    band: { sufficient: 0, necessary: 0 },
    bounds: [],
    noise: { variance, stderr: 60 },
    batchSizes: means.map((mean, k) => ({
      batchSize: 2 ** k,
      batches: 8,
      largest: { mean, stderr: 2.5, most: mean + 10 },
      formula: 20,
      learningRate: { measured: 2 / mean, formula: 0.1 },
      band: { sufficient: 0, necessary: 0 },
    })),
    // (√κ − 1)/(√κ + 1) for curvatures of 0.1 to 10, κ = 100.
    suggestion: {
      ...{ learningRate: (2 / (Math.sqrt(10) + Math.sqrt(0.1))) ** 2, momentum: (9 / 11) ** 2 },
      ...{ from: 0.1, to: 10, share: 0.9 },
    },
    diagnostics: [
      { severity: 'info', code: 'stable', message: 'SGD at lr 0.1 is linearly stable here.' },
      { severity: 'info', code: 'quadratic-model', message: 'All of this holds in the quadratic model.' },
    ],
    timings: { total: 1 },
  };
}
