import { compareReports } from '../../src/engine/report/compareReports';
import type { HessianComparison } from '../../src/engine/report/comparison';
import type { LayerReport, Report } from '../../src/engine/report/schema';
import type { CompareState } from '../../src/protocol/compareView';
import { largeReport, smallReport, uniform } from './fixtures';

/** The same report on other data: traces moved by up to a factor of four, two widths changed. */
export function shifted(report: Report): Report {
  const random = uniform(11);
  const layers = report.layers.map((layer, i): LayerReport => {
    const factor = i === 2 ? 1.01 : 4 ** (2 * random() - 1);
    const ggn = layer.trace.ggn!;
    return {
      ...layer,
      trace: { ggn: { ...ggn, estimate: factor * ggn.estimate, stderr: factor * ggn.stderr } },
      averageTrace: factor * (layer.averageTrace ?? 0),
      bits: i === 1 ? 8 : i === 3 ? 2 : layer.bits,
    };
  });
  const data = { ...report.data, file: 'data/shifted.npz', sha256: 'ab'.repeat(32) };
  return { ...report, layers, data, loss: 0.7712, samples: 256 };
}

export function compareState(a: Report = smallReport(), b: Report = shifted(a)): CompareState {
  return {
    title: 'clean.curvature.json ↔ shifted.curvature.json',
    names: { a: 'clean.curvature.json', b: 'shifted.curvature.json' },
    sources: ['file:///w/clean.curvature.json', 'file:///w/shifted.curvature.json'],
    comparison: compareReports(a, b),
    hessians: { phase: 'idle' },
  };
}

export const largeComparison = (): CompareState => compareState(largeReport());

const ritz = (value: number, converged = true) => ({ value, residual: converged ? 2e-5 : 0.03, converged });

export function hessianComparison(): HessianComparison {
  const side = (file: string, samples: number, values: readonly number[]) => ({
    model: { file: 'resnet8.onnx', sha256: '9f'.repeat(32) },
    data: { source: 'file' as const, file, arrays: [] },
    samples,
    eigenvalues: values.map((value, i) => ritz(value, i < 4)),
  });
  return {
    format: 'curvature-hessian-comparison',
    complete: true,
    tool: { name: 'curvature', version: '0.1.0' },
    settings: { loss: 'cross-entropy', matrix: 'hessian', count: 5, seed: 0, executionProvider: 'cpu' },
    parameters: ['fc.weight', 'fc.bias'],
    size: 650,
    a: side('calibration.npz', 512, [12.4, 9.31, 7.02, 4.4, 3.13]),
    b: side('shifted.npz', 256, [18.9, 8.8, 6.1, 5.2, 2.44]),
    difference: ritz(6.93),
    angles: [0.11, 0.23, 0.41, 0.77, 1.32],
    overlap: 0.69,
    gradientCosine: 0.934,
    productCosine: 0.812,
    diagnostics: [],
    timings: { total: 3.1 },
  };
}
