import {
  effectiveRank,
  frobeniusNorm,
  negativeMass,
  type Quadrature,
  spectralSum,
} from '../../src/engine/estimators/spectrum';
import type { Matrix } from '../../src/engine/curvature/matrices';
import type { Report } from '../../src/engine/report/schema';
import type { SpectrumReport } from '../../src/engine/report/spectrum';
import { smallReport, uniform } from './fixtures';

const NODES = 40;
const PROBES = 5;

interface SpectrumSeed {
  readonly matrix: Matrix;
  readonly layers?: readonly string[];
  readonly size: number;
  /** Known by themselves, largest magnitude first. */
  readonly outliers: readonly number[];
  /** Half the width of the bulk, a semicircle, and its middle. */
  readonly bulk: number;
  readonly middle?: number;
}

/** Nodes and weights of a semicircle beside the outliers, a little different from each start vector. */
function quadratures({ size, outliers, bulk, middle = 0 }: SpectrumSeed): Quadrature[] {
  const random = uniform(5);
  return Array.from({ length: PROBES }, () => {
    const angles = Array.from({ length: NODES }, (_, k) => (Math.PI * (k + 1)) / (NODES + 1));
    const heights = angles.map(angle => Math.sin(angle) ** 2 * (0.8 + 0.4 * random()));
    const total = heights.reduce((sum, x) => sum + x, 0);
    const share = 1 - outliers.length / size;
    const pairs = [
      ...angles.map((angle, k) => ({
        value: middle - bulk * Math.cos(angle) * (0.98 + 0.02 * random()),
        weight: (share * (heights[k] ?? 0)) / total,
      })),
      ...outliers.map(value => ({ value, weight: 1 / size })),
    ].sort((a, b) => a.value - b.value);
    return { nodes: pairs.map(({ value }) => value), weights: pairs.map(({ weight }) => weight) };
  });
}

const converged = (value: number) => ({ value, residual: 1e-9, converged: true });

export function spectrumOf(seed: SpectrumSeed): SpectrumReport {
  const { matrix, layers, size, outliers } = seed;
  const probes = quadratures(seed);
  const nodes = probes.flatMap(probe => probe.nodes);
  const sum = spectralSum(probes, size, x => x);
  const { tool, model, data } = smallReport();
  return {
    format: 'curvature-spectrum',
    version: 1,
    complete: true,
    tool,
    model: { file: model.file, sha256: model.sha256 },
    data,
    settings: {
      loss: 'cross-entropy',
      matrix,
      parameters: layers ?? smallReport().layers.map(({ name }) => name),
      isWhole: layers === undefined,
      ...{ steps: 80, probes: PROBES, rtol: 0.05, maxProducts: 100, seed: 0, batch: 64 },
      executionProvider: 'cpu',
    },
    device: 'cpu',
    memory: { predictedBytes: 1e8 },
    samples: 512,
    classes: 10,
    size,
    trace: {
      ...{ estimate: sum.estimate + 1, stderr: 1.5, samples: 24, seed: 0, exact: false, converged: true },
      ...{ method: 'xtrace', products: 48, interval: [sum.estimate - 2, sum.estimate + 4] },
    },
    density: {
      quadratures: probes,
      outliers: outliers.map(converged),
      largest: converged(Math.max(...nodes)),
      smallest: converged(Math.min(...nodes)),
      sum,
      frobeniusNorm: frobeniusNorm(probes, size),
      negativeMass: negativeMass(probes),
      effectiveRank: effectiveRank(probes, size),
      wasserstein: { bound: 0.02, failure: 0.01 },
    },
    diagnostics: [],
    timings: { trace: 1, density: 3 },
  };
}

/** Of all parameters: nine outliers for ten classes, six more at the edge of a bulk about zero. */
export const wholeSpectrum = (): SpectrumReport =>
  spectrumOf({
    matrix: 'hessian',
    size: 20_000,
    outliers: [40, 31, 25, 20, 17, 14, 12, 10, 8, 0.62, 0.6, -0.59, 0.58, 0.565, 0.55],
    bulk: 0.5,
  });

/** Of one layer, by a matrix that has no negative eigenvalues: nothing stands apart. */
export const layerSpectrum = (): SpectrumReport =>
  spectrumOf({
    matrix: 'ggn',
    layers: ['conv1.weight'],
    size: 432,
    outliers: [1.3, 1.2, 1.13, 1.05, 0.98, 0.94, 0.9, 0.85],
    bulk: 0.4,
    middle: 0.41,
  });

export function spectrumReport(spectra = [wholeSpectrum(), layerSpectrum()]): Report {
  return { ...smallReport(), studies: { spectra } };
}
