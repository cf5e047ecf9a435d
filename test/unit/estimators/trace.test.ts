import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Matrix } from 'ml-matrix';
import {
  chooseTraceMethod,
  estimateTrace,
  traceBytes,
  type TraceMethod,
  traceMethods,
} from '../../../src/engine/estimators/trace';
import { leaveOneOut, type Sketch, sketchTrace } from '../../../src/engine/estimators/xTraceSketch';
import { Rng } from '../../../src/engine/util/rng';
import { assertClose, curvatureError } from '../../support/assertions';
import {
  type DenseOperator,
  denseOperator,
  matrixWithSpectrum,
  normalMatrix,
} from '../../support/denseOperator';
import { allOf, lastOf } from '../../support/generators';

const range = <T>(n: number, at: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => at(i));

/** Root mean square error over seeds 0, 1, … */
async function error(
  method: TraceMethod,
  operator: DenseOperator,
  maxProducts: number,
  runs: number,
): Promise<number> {
  let squares = 0;
  for (let seed = 0; seed < runs; seed++) {
    const { estimates } = await lastOf(estimateTrace(method, operator, { seed, rtol: 0, maxProducts }));
    squares += (estimates[0].estimate - operator.trace) ** 2 / runs;
  }
  return Math.sqrt(squares);
}

test('a geometric spectrum over a floor, trace 337.6: the table of errors', async t => {
  const operator = denseOperator(
    matrixWithSpectrum(
      range(200, i => 100 * 0.7 ** i + 4.267 / 200),
      7,
    ),
  );
  assertClose(operator.trace, 337.6, 1e-4);
  // Errors of another implementation over 100 runs, whose matrix is known by its decay and trace: both are good to 15 % or so.
  const expected: [products: number, xtrace: number, hutchPlusPlus: number, hutchinson: number][] = [
    [12, 31.2, 41.1, 49.9],
    [24, 2.56, 7.4, 38.7],
    [48, 0.099, 0.35, 28.7],
  ];
  for (const [products, ...errors] of expected) {
    for (const [i, method] of (['xtrace', 'hutch++', 'hutchinson'] as const).entries()) {
      const found = await error(method, operator, products, 100);
      t.diagnostic(`${products} products, ${method}: ${found.toPrecision(3)}, expected ${errors[i]}`);
      assertClose(found, errors[i], 0.35, `${method} with ${products} products`);
    }
  }
});

describe('rates', () => {
  // Σ 1/i² has a tail of about 1/k behind its k largest, and ‖tail‖_F ~ k^(−3/2).
  const psd = denseOperator(
    matrixWithSpectrum(
      range(150, i => 1 / (1 + i) ** 2),
      5,
    ),
  );
  const slope = (few: number, many: number): number => Math.log(few / many) / Math.log(4);

  test("Hutchinson's error falls as the root of the products", async () => {
    const rate = slope(await error('hutchinson', psd, 12, 300), await error('hutchinson', psd, 48, 300));
    assert.ok(rate > 0.4 && rate < 0.6, `m^−${rate}`);
  });
  for (const method of ['hutch++', 'xtrace'] as const) {
    test(`${method}'s error falls faster than 1/m`, async () => {
      const rate = slope(await error(method, psd, 12, 60), await error(method, psd, 48, 60));
      // ‖tail‖_F/√k: m^−2 here.
      assert.ok(rate > 1.5 && rate < 2.6, `m^−${rate}`);
    });
  }
});

describe('every method', () => {
  const matrices: Record<string, Matrix> = {
    'a single number': new Matrix([[-2.5]]),
    'all zero': Matrix.zeros(30, 30),
    'low rank': matrixWithSpectrum([4, 1, -2, ...range(37, () => 0)], 3),
    'a diagonal': Matrix.diag(range(30, i => i)),
    identity: Matrix.eye(30),
    indefinite: normalMatrix(40, 2),
  };
  for (const [name, matrix] of Object.entries(matrices)) {
    for (const method of traceMethods) {
      test(`${method}: ${name}`, async () => {
        const operator = denseOperator(matrix);
        const options = { seed: 4, rtol: 1e-9, maxProducts: 36 };
        const steps = await allOf(estimateTrace(method, operator, options));
        const { estimates, samples, cap } = steps[steps.length - 1];
        assert.equal(samples, operator.applied);
        assert.ok(samples <= cap && cap === (method === 'exact' ? operator.size : 36));
        const [{ estimate, stderr, exact, seed }] = estimates;
        assert.equal(seed, 4);
        const size = Math.max(1, ...operator.eigenvalues.map(Math.abs));
        assert.ok(
          Math.abs(estimate - operator.trace) <= 4 * stderr + 1e-10 * size,
          `${estimate} ± ${stderr}, expected ${operator.trace}`,
        );
        if (method === 'exact') assert.deepEqual([stderr, exact], [0, true]);
      });
    }
  }

  for (const method of ['hutch++', 'xtrace'] as const) {
    test(`${method} takes a matrix of low rank whole, and says so`, async () => {
      const operator = denseOperator(matrices['low rank']);
      const { estimates } = await lastOf(
        estimateTrace(method, operator, { seed: 0, rtol: 0, maxProducts: 60 }),
      );
      assert.deepEqual([estimates[0].exact, estimates[0].stderr, estimates[0].converged], [true, 0, true]);
      assertClose(estimates[0].estimate, 3, 1e-12);
      assert.ok(operator.applied < 15);
    });
  }

  for (const method of traceMethods) {
    test(`${method} stops when its error is small enough, and the cap is never passed`, async () => {
      const operator = denseOperator(
        matrixWithSpectrum(
          range(64, i => 0.8 ** i),
          1,
        ),
      );
      const steps = await allOf(estimateTrace(method, operator, { seed: 1, rtol: 0.05, maxProducts: 300 }));
      const { estimates, relativeError } = steps[steps.length - 1];
      assert.ok(estimates[0].converged && relativeError <= 0.05);
      const products = steps.map(s => s.samples);
      assert.deepEqual(
        [...products].sort((a, b) => a - b),
        products,
      );
    });

    test(`${method}: the same seed gives the same numbers; a product that is not finite is named; a signal cancels`, async () => {
      const operator = denseOperator(normalMatrix(40, 6));
      const options = { seed: 3, rtol: 0.2, maxProducts: 24 };
      const run = (): Promise<unknown[]> => allOf(estimateTrace(method, operator, options));
      assert.deepEqual(await run(), await run());
      let products = 0;
      const broken = {
        size: 40,
        apply: async (v: Float32Array | Float64Array) => {
          const product = await operator.apply(v);
          return ++products === 7 ? product.fill(NaN) : product;
        },
      };
      await assert.rejects(
        allOf(estimateTrace(method, broken, options)),
        curvatureError('not-finite', method === 'hutchinson' ? /NaN at probe 6/ : /NaN in product 7/),
      );
      await assert.rejects(
        allOf(estimateTrace(method, operator, { ...options, signal: AbortSignal.abort() })),
        curvatureError('cancelled', /./),
      );
    });
  }

  test('too few products for an error are refused', async () => {
    const operator = denseOperator(normalMatrix(40, 6));
    const with3 = { seed: 3, rtol: 0.2, maxProducts: 3 };
    await assert.rejects(
      allOf(estimateTrace('hutch++', operator, with3)),
      curvatureError('option-invalid', /at least 4/),
    );
    await assert.rejects(
      allOf(estimateTrace('xtrace', operator, with3)),
      curvatureError('option-invalid', /at least 8/),
    );
  });
});

test('the method is chosen by size, products and memory', () => {
  const GB = 1e9;
  assert.equal(chooseTraceMethod(90, 100, GB), 'exact');
  assert.equal(chooseTraceMethod(5e5, 100, GB), 'xtrace');
  assert.equal(chooseTraceMethod(5e6, 100, GB), 'hutch++');
  assert.equal(chooseTraceMethod(25e6, 100, GB), 'hutchinson');
  assert.equal(chooseTraceMethod(1e4, 10, GB), 'hutchinson');
  assert.ok(traceBytes('xtrace', 5e5, 100) <= GB && traceBytes('xtrace', 5e6, 100) > GB);
});

describe("XTrace's small matrices", () => {
  /** A sketch made with dense matrices, and the t_i by their definition: a range of their own for each. */
  function dense(matrix: Matrix, k: number): { sketch: Sketch; byDefinition: (skip?: number) => number[] } {
    const n = matrix.rows;
    const tests = range(k, j => {
      const v = Matrix.columnVector(Array.from(Rng.of(8, j).normals(n)));
      return v.mul(Math.sqrt(n) / v.norm());
    });
    const columns = (vectors: readonly Matrix[]): Matrix =>
      new Matrix(range(n, i => vectors.map(v => v.get(i, 0))));
    const orthonormal = (vectors: readonly Matrix[]): Matrix => {
      const basis: Matrix[] = [];
      for (const v of vectors) {
        const left = v.clone();
        for (let pass = 0; pass < 2; pass++) basis.forEach(q => left.sub(q.clone().mul(q.dot(left))));
        basis.push(left.div(left.norm()));
      }
      return columns(basis);
    };
    const images = tests.map(v => matrix.mmul(v));
    const q = orthonormal(images);
    const r = q.transpose().mmul(columns(images));
    const b = q.transpose().mmul(matrix).mmul(q);
    const upper = (m: Matrix): Float64Array[] =>
      range(k, j => j).map(j => Float64Array.from(range(j + 1, i => m.get(i, j))));
    const sketch = { size: n, r: upper(r), b: upper(b), w: q.transpose().mmul(columns(tests)).to2DArray() };
    const byDefinition = (skip?: number): number[] =>
      tests.flatMap((v, i) => {
        if (i === skip) return [];
        const others = images.filter((_, j) => j !== i && j !== skip);
        const range = orthonormal(others);
        const outside = Matrix.sub(v, range.mmul(range.transpose().mmul(v)));
        // Scaled to the length that a vector of the sphere has there in the mean.
        outside.mul(Math.sqrt(n - others.length) / outside.norm());
        const trace = range.transpose().mmul(matrix).mmul(range).trace();
        return [trace + outside.dot(matrix.mmul(outside))];
      });
    return { sketch, byDefinition };
  }

  test('the formulas give what the definition does', () => {
    const { sketch, byDefinition } = dense(normalMatrix(30, 9), 7);
    leaveOneOut(sketch).forEach((t, i) => assertClose(t, byDefinition()[i], 1e-10, `t_${i}`));
  });

  test('the error is the one of its definition', () => {
    const k = 6;
    const { sketch, byDefinition } = dense(
      matrixWithSpectrum(
        range(30, i => 1 / (1 + i)),
        9,
      ),
      k,
    );
    const all = byDefinition();
    const mean = all.reduce((sum, x) => sum + x, 0) / k;
    const variance = all.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (k - 1);
    const without = all.map((_, j) => {
      const others = byDefinition(j);
      return all.map((_, i) => (i === j ? NaN : others[i - (i > j ? 1 : 0)]));
    });
    let covariance = 0;
    for (let i = 0; i < k; i++)
      for (let j = 0; j < k; j++)
        if (i !== j) covariance += ((all[i] - without[j][i]) * (all[j] - without[i][j])) / (k * (k - 1));
    const { estimate, stderr } = sketchTrace(sketch);
    assertClose(estimate, mean, 1e-10);
    assertClose(stderr, Math.sqrt(variance / k + Math.max(0, covariance)), 1e-8);
  });
});
