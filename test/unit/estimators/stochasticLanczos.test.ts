import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Matrix } from 'ml-matrix';
import {
  countAbove,
  density,
  effectiveRank,
  frobeniusNorm,
  negativeMass,
  overProbes,
  spectralMean,
  spectralSum,
  wassersteinBound,
} from '../../../src/engine/estimators/spectrum';
import {
  spectrumBytes,
  spectrumStepsWithin,
  stochasticLanczos,
  type StochasticLanczosProgress,
} from '../../../src/engine/estimators/stochasticLanczos';
import { type LinearOperator } from '../../../src/engine/curvature/linearOperator';
import { assertClose, curvatureError } from '../../support/assertions';
import {
  type DenseOperator,
  denseOperator,
  matrixWithSpectrum,
  normalMatrix,
} from '../../support/denseOperator';
import { allOf, lastOf } from '../../support/generators';
import { wassersteinDistance } from '../../support/spectra';

const range = (n: number, at: (i: number) => number): number[] => Array.from({ length: n }, (_, i) => at(i));
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

const run = (
  operator: DenseOperator,
  steps: number,
  probes: number,
  seed = 0,
): Promise<StochasticLanczosProgress> => lastOf(stochasticLanczos(operator, { steps, probes, seed }));

const spectra: Record<string, number[]> = {
  'outliers over a bulk about zero': [50, 20, 8, ...range(197, i => 0.3 * Math.sin(i))],
  'slow decay': range(200, i => 1 / (1 + i)),
  'both signs': range(200, i => Math.cos((Math.PI * (i + 0.5)) / 200)),
  'two clusters': range(200, i => (i % 2 ? 1 : -1) + i / 2000),
};

for (const [name, spectrum] of Object.entries(spectra)) {
  describe(`the spectrum: ${name}`, () => {
    const operator = denseOperator(matrixWithSpectrum(spectrum, 5));
    const { size, eigenvalues } = operator;

    test('is as near the exact one as promised, and nearer with more products', async () => {
      const reached = Math.max(...spectrum) - Math.min(...spectrum);
      let before = Infinity;
      for (const [steps, probes] of [
        [5, 2],
        [20, 8],
        [80, 32],
      ]) {
        const { quadratures } = await run(operator, steps, probes);
        const distance = wassersteinDistance(quadratures, eigenvalues);
        const bound = wassersteinBound(size, { steps, probes, range: reached, failure: 0.01 });
        assert.ok(distance <= bound, `${distance} > ${bound}`);
        assert.ok(distance < before, `${distance} after ${before}`);
        before = distance;
      }
      assert.ok(before < 0.02 * reached, `${before}`);
    });

    test('has weights that sum to 1, and the moments of the start vectors', async () => {
      const { quadratures } = await run(operator, 10, 8, 1);
      quadratures.forEach(({ nodes, weights }) => {
        assertClose(sum([...weights]), 1, 1e-12);
        assert.ok(weights.every(w => w >= 0) && nodes.every((x, k) => k === 0 || x >= nodes[k - 1]));
      });
      const trace = spectralSum(quadratures, size, x => x);
      const squares = spectralSum(quadratures, size, x => x * x);
      assert.ok(Math.abs(trace.estimate - sum(spectrum)) <= 3 * trace.stderr, JSON.stringify(trace));
      const exact = sum(spectrum.map(x => x * x));
      assert.ok(Math.abs(squares.estimate - exact) <= 3 * squares.stderr, JSON.stringify(squares));
      const values = quadratures.map(q => size * spectralMean([q], x => x));
      const sd = Math.sqrt(sum(values.map(x => (x - trace.estimate) ** 2)) / 7);
      assertClose(trace.stderr, sd / Math.sqrt(8), 1e-10);
    });

    test('has the ends that Lanczos finds, with residuals', async () => {
      const { extremes } = await run(operator, name.startsWith('outliers') ? 60 : size, 2);
      assert.ok(extremes);
      const ends = [
        [extremes.largest, eigenvalues[0]],
        [extremes.smallest, eigenvalues[size - 1]],
      ] as const;
      for (const [{ value, residual, converged }, expected] of ends) {
        assert.ok(
          Math.abs(value - expected) <= residual * Math.abs(value) + 1e-10,
          `${value}, not ${expected}`,
        );
        assert.equal(converged, residual <= 1e-4);
      }
      assert.ok(extremes.largest.converged);
    });

    test('has what is read off it: counts, negative mass, effective rank, norm', async () => {
      const { quadratures } = await run(operator, 100, 40);
      const near = (
        { estimate, stderr }: { estimate: number; stderr: number },
        exact: number,
        what: string,
      ): void =>
        assert.ok(
          Math.abs(estimate - exact) <= 3.5 * stderr + 1e-9,
          `${what} ${estimate} ± ${stderr}, expected ${exact}`,
        );
      const magnitudes = sum(spectrum.map(Math.abs));
      const squares = sum(spectrum.map(x => x * x));
      near(negativeMass(quadratures), sum(spectrum.map(x => Math.max(0, -x))) / magnitudes, 'negative mass');
      near(effectiveRank(quadratures, size), magnitudes ** 2 / squares, 'effective rank');
      near(frobeniusNorm(quadratures, size), Math.sqrt(squares), 'norm');
      // A value in a gap of the spectrum, so that no node is on the wrong side.
      const gap = name === 'two clusters' ? 0.5 : (eigenvalues[1] + eigenvalues[2]) / 2;
      near(countAbove(quadratures, size, gap), spectrum.filter(x => x > gap).length, 'count');
    });
  });
}

test('outliers are known by themselves, and the rest of the moments has little noise', async () => {
  const spectrum = [50, 20, -8, ...range(197, i => 0.3 * Math.sin(i))];
  const operator = denseOperator(matrixWithSpectrum(spectrum, 5));
  const { quadratures, outliers, bulkRange } = await run(operator, 40, 5);
  assert.ok(outliers.length >= 3 && outliers.length <= 10);
  [50, 20, -8].forEach((x, i) => assertClose(outliers[i].value, x, 1e-9));
  assert.ok(outliers.every(o => o.converged));
  assert.ok(bulkRange < 0.61, `${bulkRange}`);
  quadratures.forEach(({ nodes, weights }) =>
    assert.equal(weights[nodes.indexOf(outliers[0].value)], 1 / 200),
  );
  const squares = spectralSum(quadratures, 200, x => x * x);
  const exact = sum(spectrum.map(x => x * x));
  assert.ok(squares.stderr < 1e-3 * exact && Math.abs(squares.estimate - exact) < 4 * squares.stderr);
});

test('half of what the last step changes tells how far the kink at zero throws the mean of negative eigenvalues off', async () => {
  // Most eigenvalues are about zero, as those of a loss, with both signs.
  const [size, steps] = [600, 24];
  const spectrum = range(size, i => (i % 3 ? 1 : -0.5) * (1 - i / size) ** 8);
  const starts: Float64Array[] = [];
  let products = 0;
  const operator: LinearOperator = {
    size,
    apply: v => {
      if (products++ % steps === 0) starts.push(Float64Array.from(v));
      return Promise.resolve(Float64Array.from(v, (x, i) => x * spectrum[i]));
    },
  };
  const { quadratures, outliers } = await lastOf(stochasticLanczos(operator, { steps, probes: 60, seed: 0 }));
  const negative = (x: number): number => Math.max(0, -x);
  const known = sum(outliers.map(({ value }) => negative(value)));
  const squares = quadratures.map(({ nodes, weights, meanNegativeBefore }, k) => {
    // What the start vector itself sees of the spectrum.
    const seen = sum(spectrum.map((x, i) => starts[k + 1][i] ** 2 * negative(x)));
    const exact = (known + (size - outliers.length) * seen) / size;
    const found = sum(nodes.map((x, i) => weights[i] * negative(x)));
    return [(found / exact - 1) ** 2, ((found - meanNegativeBefore!) / exact / 2) ** 2];
  });
  const [error, told] = [0, 1].map(kind => Math.sqrt(sum(squares.map(both => both[kind])) / squares.length));
  assert.ok(error > 0.02 && told > error / 2 && told < 3 * error, `off by ${error}, ${told} is told`);
});

test('an operator of few distinct eigenvalues ends early and exactly', async () => {
  const operator = denseOperator(
    matrixWithSpectrum(
      range(20, i => (i < 5 ? 3 : -1)),
      1,
    ),
  );
  const { quadratures, products, maxProducts } = await run(operator, 10, 2);
  assert.deepEqual([products, maxProducts, operator.applied], [6, 30, 6]);
  quadratures.forEach(({ nodes }) => nodes.forEach(x => assertClose(x, x < 0 ? -1 : 3, 1e-12)));
});

test('small, zero and negative operators', async () => {
  for (const matrix of [new Matrix([[-2]]), Matrix.zeros(4, 4)]) {
    const operator = denseOperator(matrix);
    const { quadratures, extremes } = await run(operator, 10, 2);
    assert.deepEqual(extremes?.largest, extremes?.smallest);
    assert.deepEqual([extremes?.largest.value, extremes?.largest.converged], [matrix.get(0, 0), true]);
    assert.deepEqual(quadratures[0], { nodes: [matrix.get(0, 0)], weights: [1] });
    assert.deepEqual(negativeMass(quadratures), {
      estimate: matrix.get(0, 0) < 0 ? 1 : 0,
      stderr: 0,
      samples: 2,
    });
  }
});

test('each start vector is kept as it is through; the same seed gives the same numbers', async () => {
  const operator = denseOperator(normalMatrix(30, 1));
  const options = { steps: 4, probes: 3, seed: 2 };
  const steps = await allOf(stochasticLanczos(operator, options));
  assert.deepEqual(
    steps.map(s => s.quadratures.length),
    [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3],
  );
  assert.deepEqual(await allOf(stochasticLanczos(operator, options)), steps);
  const more = await run(operator, 4, 5, 2);
  assert.deepEqual(more.quadratures.slice(0, 3), steps[15].quadratures);
});

test('an aborted signal cancels', async () => {
  const operator = denseOperator(normalMatrix(30, 1));
  const options = { steps: 4, probes: 3, seed: 2, signal: AbortSignal.abort() };
  await assert.rejects(allOf(stochasticLanczos(operator, options)), curvatureError('cancelled', /./));
});

describe('the density', () => {
  const probes = [
    { nodes: [-1, 2], weights: [0.25, 0.75] },
    { nodes: [0], weights: [1] },
  ];
  const points = range(4001, i => -4 + i / 500);
  const integral = (values: Float64Array, f: (x: number) => number): number =>
    sum(points.map((x, i) => f(x) * values[i])) / 500;

  test('integrates to 1 and keeps the mean; the width adds to the second moment', () => {
    for (const width of [0.01, 0.3]) {
      const values = density(probes, points, width);
      assertClose(
        integral(values, () => 1),
        1,
        1e-6,
      );
      assertClose(
        integral(values, x => x),
        spectralMean(probes, x => x),
        1e-6,
      );
      assertClose(
        integral(values, x => x * x),
        spectralMean(probes, x => x * x) + width ** 2,
        1e-6,
      );
    }
  });

  test('is the sum of the Gaussians', () => {
    const gauss = (z: number): number => Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
    const [value] = density(probes, [1], 0.5);
    assertClose(value, (0.25 * gauss(4) + 0.75 * gauss(2) + gauss(2)) / 0.5 / 2, 1e-12);
  });
});

test('steps are as many as fit into memory', () => {
  const size = 25e6;
  const steps = spectrumStepsWithin(4e9, size);
  assert.ok(spectrumBytes(size, steps) <= 4e9 && spectrumBytes(size, steps + 2) > 4e9, `${steps}`);
  assert.equal(spectrumStepsWithin(1e8, size), 2);
});

test('one start vector has no error', () => {
  const { estimate, stderr } = overProbes([{ nodes: [1], weights: [1] }], p => spectralMean(p, x => x));
  assert.deepEqual([estimate, stderr], [1, NaN]);
});

test("the bound is the paper's", () => {
  // 80 steps: t = 12/79.5; one vector is enough for a million rows.
  const wide = { range: 10, failure: 0.01 };
  assertClose(wassersteinBound(1e6, { ...wide, steps: 80, probes: 1 }), (12 / 79.5) * 10, 1e-12);
  assertClose(
    wassersteinBound(98, { ...wide, steps: 1000, probes: 4 }),
    Math.sqrt((4 * Math.log(19600)) / 400) * 10,
    1e-12,
  );
});
