import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { type LinearOperator } from '../../../src/engine/curvature/linearOperator';
import { blockNorms } from '../../../src/engine/estimators/blockNorms';
import { hutchinsonDiagonal } from '../../../src/engine/estimators/diagonal';
import {
  effectiveRank,
  frobeniusNorm,
  negativeMass,
  type ProbeEstimate,
  type Quadrature,
  spectralSum,
} from '../../../src/engine/estimators/spectrum';
import { stochasticLanczos } from '../../../src/engine/estimators/stochasticLanczos';
import { estimateTrace, type TraceMethod } from '../../../src/engine/estimators/trace';
import { RunningMoments } from '../../../src/engine/util/statistics';
import { studentT } from '../../../src/engine/util/studentT';
import { type DenseOperator, denseOperator, matrixWithSpectrum } from '../../support/denseOperator';
import { lastOf } from '../../support/generators';

/** Intervals of 95 % hold the truth in so many of a thousand runs, each with a seed of its own. */
const RUNS = 1000;
const [LEAST, MOST] = [0.92, 0.98];
/** Random vectors on each block of columns. */
const PROBES = 16;

interface Interval {
  readonly estimate: number;
  readonly stderr: number;
  readonly samples: number;
}

const holds = ({ estimate, stderr, samples }: Interval, truth: number): boolean =>
  Math.abs(estimate - truth) <= studentT(0.95, samples) * stderr;

async function requireCoverage(
  t: TestContext,
  run: (seed: number) => Promise<readonly boolean[]>,
): Promise<void> {
  let [held, all] = [0, 0];
  for (let seed = 0; seed < RUNS; seed++) {
    const intervals = await run(seed);
    held += intervals.filter(Boolean).length;
    all += intervals.length;
  }
  const share = held / all;
  const found = `${(100 * share).toFixed(1)} % of ${all} intervals hold the truth`;
  t.diagnostic(found);
  assert.ok(share >= LEAST && share <= MOST, found);
}

const n = 60;
const spectra: Record<string, number[]> = {
  'slow decay': Array.from({ length: n }, (_, i) => 1 / (1 + i)),
  'both signs, with outliers': [6, 4, 3, -3, ...Array.from({ length: n - 4 }, (_, i) => Math.sin(i))],
};

for (const [name, spectrum] of Object.entries(spectra)) {
  describe(`a stated error covers the truth in 95 ± 3 % of runs: ${name}`, () => {
    const matrix = matrixWithSpectrum(spectrum, 3);
    const operator: DenseOperator = denseOperator(matrix);
    const squares = spectrum.reduce((sum, x) => sum + x * x, 0);
    const products: readonly [TraceMethod, number][] = [
      ['hutchinson', 30],
      ['hutch++', 12],
      ['hutch++', 45],
      ['xtrace', 12],
      ['xtrace', 24],
    ];
    for (const [method, maxProducts] of products) {
      test(`${method}, ${maxProducts} products`, t =>
        requireCoverage(t, async seed => {
          const options = { seed, rtol: 0, maxProducts };
          const { estimates, samples } = await lastOf(estimateTrace(method, operator, options));
          assert.equal(samples, maxProducts);
          return [holds(estimates[0], operator.trace)];
        }));
    }

    // The first block is taken whole.
    const sizes = [5, 20, 35];
    const blocks = sizes.map((size, l) => ({ start: sizes.slice(0, l).reduce((a, b) => a + b, 0), size }));
    const within = blocks.reduce((sum, { start, size }) => {
      const end = start + size - 1;
      return sum + matrix.subMatrix(start, end, start, end).norm() ** 2;
    }, 0);
    test('the share outside of the diagonal blocks', t =>
      requireCoverage(t, async seed => {
        const { norms } = await lastOf(blockNorms(operator, blocks, { probes: PROBES, seed }));
        const { mean, stderr } = norms!.shareOutside;
        return [holds({ estimate: mean, stderr, samples: PROBES }, 1 - within / squares)];
      }));

    // Four steps find no outliers; two dozen do.
    test('moments of the spectrum by quadrature', t =>
      requireCoverage(t, async seed => {
        const options = { steps: seed % 2 ? 4 : 24, probes: 16, seed };
        const { quadratures } = await lastOf(stochasticLanczos(operator, options));
        return [
          holds(
            spectralSum(quadratures, n, x => x),
            operator.trace,
          ),
          holds(
            spectralSum(quadratures, n, x => x * x),
            squares,
          ),
          holds(frobeniusNorm(quadratures, n), Math.sqrt(squares)),
        ];
      }));

    // Start vectors are uniform on the sphere: a diagonal matrix stands for all of its spectrum.
    const diagonal: LinearOperator = {
      size: n,
      apply: v => Promise.resolve(Float64Array.from(v, (x, i) => x * spectrum[i])),
    };
    const magnitudes = spectrum.reduce((sum, x) => sum + Math.abs(x), 0);
    const negative = spectrum.reduce((sum, x) => sum + Math.max(0, -x), 0);
    const read: Record<string, [(probes: readonly Quadrature[]) => ProbeEstimate, truth: number]> = {
      Σλ: [probes => spectralSum(probes, n, x => x), operator.trace],
      '‖·‖F': [probes => frobeniusNorm(probes, n), Math.sqrt(squares)],
      'effective rank': [probes => effectiveRank(probes, n), magnitudes ** 2 / squares],
      ...(negative > 0 ? { 'negative mass': [negativeMass, negative / magnitudes] } : {}),
    };
    test('two to five start vectors: every number by itself, and no bias in Σλ', async t => {
      const held = new Map<string, number>();
      const errors = new RunningMoments();
      for (let seed = 0; seed < RUNS; seed++) {
        const options = { steps: 24, probes: 2 + (seed % 4), seed };
        const { quadratures } = await lastOf(stochasticLanczos(diagonal, options));
        for (const [name, [estimate, truth]] of Object.entries(read))
          held.set(name, (held.get(name) ?? 0) + Number(holds(estimate(quadratures), truth)));
        errors.add(spectralSum(quadratures, n, x => x).estimate - operator.trace);
      }
      const found = [...held]
        .map(([name, count]) => `${name} ${((100 * count) / RUNS).toFixed(1)} %`)
        .join(', ');
      t.diagnostic(`${found}; mean error of Σλ ${errors.mean} ± ${errors.stderr}`);
      for (const count of held.values()) assert.ok(count >= LEAST * RUNS && count <= MOST * RUNS, found);
      // Beyond which one unbiased mean in 16,000 lies.
      assert.ok(Math.abs(errors.mean) <= 4 * errors.stderr, `${errors.mean} ± ${errors.stderr}`);
    });

    for (const blocks of [undefined, Array.from({ length: n / 6 }, () => 6)]) {
      test(`the diagonal${blocks ? ' in blocks' : ''}`, t => {
        const diagonal = operator.matrix.diag();
        const truth = blocks
          ? blocks.map(
              (length, b) => diagonal.slice(b * 6, b * 6 + 6).reduce((sum, x) => sum + x, 0) / length,
            )
          : diagonal;
        return requireCoverage(t, async seed => {
          const options = { seed, rtol: 0, maxProbes: 16, blocks };
          const { estimate, stderr, samples } = await lastOf(hutchinsonDiagonal(operator, options));
          return truth.map((d, i) => holds({ estimate: estimate[i], stderr: stderr[i], samples }, d));
        });
      });
    }
  });
}

describe('a search that its own error ends covers the truth in 90 % of runs or more', () => {
  const spectrum = [50, 20, 8, 5, ...Array.from({ length: 196 }, (_, i) => 4 / (1 + i) ** 1.2)];
  const operator = denseOperator(matrixWithSpectrum(spectrum, 3));
  for (const method of ['hutchinson', 'hutch++', 'xtrace'] as const) {
    test(method, async t => {
      let [held, products] = [0, 0];
      for (let seed = 0; seed < 300; seed++) {
        const options = { seed, rtol: method === 'hutchinson' ? 0.2 : 0.05, maxProducts: 96 };
        const { estimates, samples } = await lastOf(estimateTrace(method, operator, options));
        products += samples / 300;
        if (holds(estimates[0], operator.trace)) held++;
      }
      t.diagnostic(`${(held / 3).toFixed(1)} % after ${products.toFixed(1)} products`);
      assert.ok(products < 90 && held >= 270);
    });
  }
});
