import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inverse, Matrix } from 'ml-matrix';
import { InverseFisher } from '../../../src/engine/estimators/inverseFisher';
import { Rng } from '../../../src/engine/util/rng';
import { norm } from '../../../src/engine/util/vector';
import { assertClose, curvatureError } from '../../support/assertions';

/** Gradients whose lengths and elements differ by orders of magnitude, as those of samples and layers do. */
function gradients(m: number, d: number, seed: number): Float32Array[] {
  return Array.from({ length: m }, (_, k) => {
    const random = Rng.of(seed, k);
    const length = 10 ** (2 * random.uniform() - 2);
    return random.normals(d).map((x, i) => x * length * (i % 7 === 0 ? 10 : 1));
  });
}

const denseFisher = (g: readonly Float32Array[], damping: number): Matrix => {
  const rows = new Matrix(g.map(v => Array.from(v)));
  return rows.transpose().mmul(rows).div(g.length).add(Matrix.eye(g[0].length).mul(damping));
};

for (const [m, d, damping] of [
  [16, 40, 1e-2],
  [40, 40, 1e-4],
  [100, 60, 1e-6],
  [1, 30, 1e-3],
] as const) {
  describe(`${m} gradients of ${d}, damping ${damping}`, () => {
    const g = gradients(m, d, 1);
    const dense = inverse(denseFisher(g, damping));
    const fisher = new InverseFisher(g, { damping });

    test('products are those of the dense inverse', () => {
      const x = Rng.of(2).normals(d);
      const expected = Float64Array.from(dense.mmul(Matrix.columnVector(Array.from(x))).to1DArray());
      const found = fisher.apply(x);
      const off = norm(found.map((y, i) => y - expected[i])) / norm(expected);
      assert.ok(off < 1e-7, `${off}`);
    });

    test('so is the diagonal', () => {
      const found = fisher.diagonal();
      dense.diag().forEach((expected, i) => assertClose(found[i], expected, 1e-7));
    });

    test('so is the inverse of a block', () => {
      const indices = [3, 7, 11, 20];
      const block = inverse(denseFisher(g, damping).selection(indices, indices));
      const x = Float64Array.of(1, -2, 3, 0.5);
      const expected = block.mmul(Matrix.columnVector(Array.from(x))).to1DArray();
      fisher
        .ofBlock(indices)
        .apply(x)
        .forEach((y, i) => assertClose(y, expected[i], 1e-6));
    });
  });
}

test('for d = 2,000 the product solves the dense system to 1e-4, and Sherman and Morrison one by one agree', () => {
  const [m, d, damping] = [256, 2000, 1e-5];
  const g = gradients(m, d, 3);
  const fisher = new InverseFisher(g, { damping });
  const x = Float64Array.from(Rng.of(4).normals(d));
  const found = fisher.apply(x);
  // The dense inverse by the recursion over the gradients: F ← F + g gᵀ/m.
  const dense = Array.from({ length: d }, (_, i) => {
    const row = new Float64Array(d);
    row[i] = 1 / damping;
    return row;
  });
  for (const v of g) {
    const image = Float64Array.from(dense, row => row.reduce((sum, a, j) => sum + a * v[j], 0));
    const scale = m + image.reduce((sum, a, i) => sum + a * v[i], 0);
    dense.forEach((row, i) => {
      const factor = image[i] / scale;
      for (let j = 0; j < d; j++) row[j] -= factor * image[j];
    });
  }
  const expected = Float64Array.from(dense, row => row.reduce((sum, a, j) => sum + a * x[j], 0));
  const off = norm(found.map((y, i) => y - expected[i])) / norm(expected);
  assert.ok(off < 1e-4, `${off}`);
  const diagonal = fisher.diagonal();
  diagonal.forEach((y, i) => assertClose(y, dense[i][i], 1e-4));
  const back = fisher.undamped(found).map((y, i) => y + damping * found[i] - x[i]);
  assert.ok(norm(back) < 1e-8 * norm(x), `${norm(back) / norm(x)}`);
});

test('memory is linear in the number of gradients: md floats and m(m + 1)/2 coefficients', () => {
  /** Floats in all typed arrays that an object holds on to. */
  const floats = (object: unknown): number => {
    if (object instanceof Float32Array || object instanceof Float64Array) return object.length;
    if (typeof object !== 'object' || object === null) return 0;
    return Object.values(object).reduce<number>((sum, value) => sum + floats(value), 0);
  };
  const d = 5000;
  for (const m of [8, 16, 32]) {
    const g = gradients(m, d, 1);
    const fisher = new InverseFisher(g, { damping: 0.1 });
    fisher.apply(g[0]);
    fisher.diagonal();
    assert.equal(floats(fisher), m * d + (m * (m + 1)) / 2);
  }
});

test('no gradients leave the damping', () => {
  assert.deepEqual(
    new InverseFisher([], { damping: 0.5 }).apply(Float64Array.of(1, 2)),
    Float64Array.of(2, 4),
  );
});

test('damping that is not positive or lost in rounding, and gradients that are not finite, are refused', () => {
  const g = gradients(2, 3, 1);
  for (const damping of [0, -1, NaN, Infinity, 1e-30])
    assert.throws(
      () => new InverseFisher(g, { damping }),
      curvatureError('option-invalid', /The damping is/),
    );
  assert.throws(
    () => new InverseFisher([g[0], Float32Array.of(1, NaN, 1)], { damping: 1 }),
    curvatureError('not-finite', /Gradient 1 is not finite/),
  );
});
