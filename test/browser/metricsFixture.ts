import type { Report } from '../../src/engine/report/schema';
import { smallReport, uniform, widths } from './fixtures';

/** Each layer alone at each width, predicted and measured: close at few bits, lost in the noise of the data at many. */
export function metricsReport(): Report {
  const whole = smallReport();
  const random = uniform(11);
  const layers = whole.layers.map(found => {
    const omega = (bits: number) => found.sensitivity[String(bits)] ?? 0;
    const noisy = (bits: number) => (omega(bits) / 2) * (0.7 + 0.8 * random());
    const values = (of: (bits: number) => { value: number; stderr?: number }) =>
      Object.fromEntries(widths.map(bits => [String(bits), of(bits)]));
    return {
      ...found,
      metrics: {
        omegaGgn: values(bits => ({ value: omega(bits) })),
        sqnr: values(bits => ({ value: 6 * bits + random() })),
        divergence: values(bits => ({ value: noisy(bits), stderr: 0.1 * noisy(bits) })),
        deltaLoss: values(bits => ({ value: noisy(bits) + 2e-4 * (random() - 0.5), stderr: 1e-4 })),
      },
    };
  });
  const agreement = (all: number, acrossLayers: number) => ({
    all,
    allInterval: { low: all - 0.06, high: Math.min(1, all + 0.02) },
    acrossLayers,
    byWidth: {},
    count: 28,
  });
  return {
    ...whole,
    layers,
    metrics: {
      correlations: [
        { first: 'omegaGgn', second: 'divergence', ...agreement(0.97, 0.93) },
        { first: 'omegaGgn', second: 'deltaLoss', ...agreement(0.88, 0.7) },
        { first: 'sqnr', second: 'divergence', ...agreement(0.61, -0.12) },
        { first: 'sqnr', second: 'deltaLoss', ...agreement(0.55, -0.1) },
      ],
      uniform: [],
    },
    proof: proofOf(whole),
  };
}

/** The suggestion and two rivals, measured on other data. */
function proofOf(report: Report): NonNullable<Report['proof']> {
  const allocation = (
    name: string,
    kind: 'suggestion' | 'uniform' | 'random',
    bytes: number,
    lossChange: number,
  ): NonNullable<Report['proof']>['allocations'][number] => ({
    name,
    kind,
    bits: {},
    bytes,
    effectiveBits: (8 * bytes) / 38_000,
    predicted: { sensitivity: 2 * lossChange },
    loss: 0.43 + lossChange,
    accuracy: 0.9,
    lossChange: { value: lossChange, stderr: 0.002 },
    accuracyChange: { value: -lossChange / 10, stderr: 0.001 },
    divergence: { value: lossChange, stderr: 0.001 },
    ...(kind === 'suggestion' ? {} : { lossOverSuggestion: { value: lossChange - 0.06, stderr: 0.003 } }),
  });
  return {
    format: 'curvature-proof',
    version: 1,
    tool: report.tool,
    model: { file: report.model.file, sha256: report.model.sha256 },
    analysis: { createdAt: report.createdAt, data: report.data, samples: report.samples },
    data: report.data,
    skip: 512,
    samples: 488,
    settings: { loss: 'cross-entropy', bits: widths, random: 2, seed: 0, batch: 64 },
    unchanged: { loss: { value: 0.43, stderr: 0.02 }, accuracy: { value: 0.9, stderr: 0.01 } },
    allocations: [
      allocation('suggested', 'suggestion', 15_000, 0.06),
      allocation('all 4 bit', 'uniform', 20_000, 0.11),
      allocation('random 1', 'random', 15_000, 0.4),
      allocation('random 2', 'random', 15_000, 0.05),
    ],
    single: [],
    resolvedBits: [2],
    agreement: [],
    verdicts: ['The suggestion holds.'],
    diagnostics: [],
    timings: {},
  };
}
