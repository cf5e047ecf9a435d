import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { medianBound, standingApart, withoutOutliers } from '../../../src/engine/estimators/outliers';
import { type LinearOperator } from '../../../src/engine/curvature/linearOperator';
import { spectralMean } from '../../../src/engine/estimators/spectrum';
import { stochasticLanczos } from '../../../src/engine/estimators/stochasticLanczos';
import { Rng } from '../../../src/engine/util/rng';
import { assertClose } from '../../support/assertions';
import { denseOperator, matrixWithSpectrum } from '../../support/denseOperator';
import { lastOf } from '../../support/generators';

const range = (n: number, at: (i: number) => number): number[] => Array.from({ length: n }, (_, i) => at(i));

describe('eigenvalues that stand apart from the bulk', () => {
  test('are those above the deepest clear gap', () => {
    const bulk = range(8, i => 1 - 0.03 * i);
    assert.deepEqual(standingApart([9, 7, 5, ...bulk], 0.75), { count: 3, gap: [5, 1], most: 6 });
    // A wider gap further up leaves the deepest one what it is.
    assert.equal(standingApart([900, 7, 5, ...bulk], 0.75).count, 3);
    assert.deepEqual(standingApart([...bulk], 0.75), { count: 0, most: 3 });
  });

  test('are positive, known, and above what is not known', () => {
    const bulk = range(8, i => 1 - 0.03 * i);
    assert.equal(standingApart([-50, 9, 7, 5, ...bulk, -2], 0.75).count, 3);
    assert.equal(standingApart([9, 7, 5, ...bulk], 6).count, 0, 'too few are left to compare with');
    assert.deepEqual(standingApart([], 1), { count: 0, most: 0 });
    assert.equal(
      standingApart(
        range(12, () => 1),
        0,
      ).count,
      0,
      'equal ones have no gap',
    );
  });

  test('need a gap three times as wide, as a ratio, as any below', () => {
    // Ratios of 1.1 below, and one of 1.1³ ± a little.
    const falling = (first: number): number[] => [1.1 ** 7 * first, ...range(7, i => 1.1 ** (7 - i))];
    assert.equal(standingApart(falling(1.1 ** 3.01), 1).count, 1);
    assert.equal(standingApart(falling(1.1 ** 2.99), 1).count, 0);
  });

  test('are found in a bulk without any as rarely as is said', () => {
    const random = Rng.of(0, 'gaps');
    const spectrum = (gaps: number): number[] => {
      let log = 0;
      return [1, ...range(gaps, () => Math.exp((log += Math.log1p(-random.uniform()))))];
    };
    const found = (runs: number, gaps: number): number =>
      range(runs, () => standingApart(spectrum(gaps), 0).count).filter(count => count > 0).length / runs;
    const noise = (runs: number, p: number): number => 4 * Math.sqrt((p * (1 - p)) / runs);
    // Six gaps: only the first has five below it.
    const one = 6 / (6 * 7 * 8);
    assertClose(found(200_000, 6), one, noise(200_000, one) / one);
    const most = 3 / (6 * 7);
    assert.ok(found(20_000, 40) <= most + noise(20_000, most));
  });
});

test('without outliers, the rest sums to the whole less what is known', async () => {
  const eigenvalues = [50, 20, 8, -6, ...range(196, i => 0.3 * Math.sin(i))];
  const operator = denseOperator(matrixWithSpectrum(eigenvalues, 5));
  const { quadratures, outliers } = await lastOf(
    stochasticLanczos(operator, { steps: 40, probes: 4, seed: 0 }),
  );
  assert.ok(outliers.length >= 4);
  const rest = withoutOutliers(quadratures, outliers);
  for (const f of [() => 1, (x: number) => x, (x: number) => x * x]) {
    const known = outliers.reduce((sum, { value }) => sum + f(value), 0);
    assertClose(200 * spectralMean(rest, f) + known, 200 * spectralMean(quadratures, f), 1e-9);
  }
  assert.ok(rest.every(({ nodes }) => nodes.every(x => Math.abs(x) < 0.31)));
});

describe('the bound on the median of |λ|', () => {
  const found = async (eigenvalues: readonly number[], steps: number, seed: number): Promise<number> => {
    const operator: LinearOperator = {
      size: eigenvalues.length,
      apply: v => Promise.resolve(Float64Array.from(v, (x, i) => x * eigenvalues[i])),
    };
    const { quadratures, outliers } = await lastOf(stochasticLanczos(operator, { steps, probes: 5, seed }));
    return medianBound(quadratures, outliers);
  };
  const spectra: Record<string, number[]> = {
    'decay to both sides': range(301, i => 0.97 ** i * (i % 3 ? 1 : -1)),
    'slow decay': range(60, i => 1 / (1 + i)),
    'both signs': [6, 4, 3, -3, ...range(56, i => Math.sin(i))],
    'a null space, and no negative eigenvalue': range(200, i => (i < 40 ? 2 - i / 20 : 0)),
  };
  for (const [name, eigenvalues] of Object.entries(spectra)) {
    test(`holds in 95 % of runs or more, and says something: ${name}`, async () => {
      const magnitudes = eigenvalues.map(Math.abs).sort((a, b) => a - b);
      const median = magnitudes[eigenvalues.length >> 1];
      let held = 0;
      for (let seed = 0; seed < 40; seed++) {
        const bound = await found(eigenvalues, 24, seed);
        if (bound >= median - 1e-12) held++;
        assert.ok(bound <= 0.2 * magnitudes[eigenvalues.length - 1], `${bound}, ${median}`);
      }
      assert.ok(held >= 38, `${held}`);
    });
  }

  test('is the median of a quadrature that tells all of its nodes apart, or the next node', () => {
    const nodes = range(301, i => 0.97 ** i * (i % 3 ? 1 : -1)).sort((a, b) => a - b);
    const all = { nodes, weights: nodes.map(() => 1 / 301) };
    const bound = medianBound([all, all], []);
    assert.ok(bound >= 0.97 ** 150 && bound <= 0.97 ** 148, `${bound}`);
  });
});
