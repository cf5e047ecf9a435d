import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { noColumns, orthogonalise } from '../../../src/engine/estimators/basis';
import type { Columns } from '../../../src/engine/estimators/columns';
import { lanczos } from '../../../src/engine/estimators/lanczos';
import { LanczosProcess } from '../../../src/engine/estimators/lanczosProcess';
import { Rng } from '../../../src/engine/util/rng';
import { axpy, dot, norm, scale, type Vector } from '../../../src/engine/util/vector';
import { lastOf } from '../../support/generators';

/** Above the size where columns are packed, and no multiple of any part that they are cut into. */
const LARGE = (1 << 20) + 12_345;
/** Some blocks, and one that isn't full. */
const COUNT = 35;
const ROUNDOFF = 2 ** -24;

/** Random, of length 1; with some rows so large that they hold nearly all of it, where there are any. */
function unit(size: number, seed: number, largeRows = 0): Float64Array {
  const v = Float64Array.from(Rng.of(seed, 'columns').normals(size));
  for (let i = 0; i < largeRows; i++) v[(i * 7919) % size] *= 2000;
  scale(1 / norm(v), v);
  return v;
}

async function filled(size: number, largeRows = 0): Promise<{ matrix: Columns; columns: Vector[] }> {
  const matrix = noColumns(size);
  for (let k = 0; k < COUNT; k++) await matrix.push(unit(size, k, largeRows));
  return { matrix, columns: Array.from({ length: COUNT }, (_, k) => matrix.column(k).slice()) };
}

const largest = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((most, x) => Math.max(most, Math.abs(x)), 0);

for (const [kind, size, rounding, roundoff] of [
  ['a list', 1000, 1e-15, 2 ** -53],
  ['packed', LARGE, ROUNDOFF, ROUNDOFF],
] as const) {
  describe(`columns, ${kind}, against sums in float64`, () => {
    let matrix: Columns;
    let columns: Vector[];
    before(async () => {
      ({ matrix, columns } = await filled(size));
    });
    const c = Array.from({ length: COUNT }, (_, k) => Math.sin(k));

    test('are kept as they came, but for rounding', () => {
      assert.equal(matrix.count, COUNT);
      for (const k of [0, 3, 4, COUNT - 1]) {
        const column = matrix.column(k);
        assert.deepEqual(column, columns[k]);
        const came = unit(size, k);
        assert.ok(came.every((x, i) => Math.abs(column[i] - x) <= rounding * Math.abs(x)));
      }
    });

    test('Vᵀw, Vc, y + αv', async () => {
      const w = unit(size, 99);
      const products = await matrix.products(w);
      assert.ok(largest(products.map((x, k) => x - dot(columns[k], w))) < Math.min(rounding, 5e-9));

      const expected = new Float64Array(size);
      columns.forEach((v, k) => axpy(c[k], v, expected));
      const combined = new Float64Array(size);
      await matrix.add(c, combined);
      axpy(-1, expected, combined);
      // The same terms in another order, each rounded.
      assert.ok(norm(combined) < COUNT * roundoff * norm(expected), `${norm(combined)}`);

      const y = w.slice();
      await matrix.add(
        Array.from(columns, (_, k) => (k === 33 ? -0.7 : 0)),
        y,
      );
      axpy(0.7, columns[33], y);
      // The factor, the term and the sum are rounded.
      assert.ok(largest(y.map((x, i) => x - w[i])) < 3 * roundoff * largest(w));
    });

    test('are taken out, of what lies mostly in their span as well', async () => {
      const basis = noColumns(size);
      for (const v of columns) {
        const w = Float64Array.from(v);
        scale(1 / (await orthogonalise(w, basis)).left, w);
        await basis.push(w);
      }
      for (const outside of [1, 1e-2, 1e-4]) {
        const w = unit(size, 98);
        scale(outside, w);
        await basis.add(c, w);
        const along = Float64Array.from({ length: COUNT }, (_, k) => dot(basis.column(k), w));
        const { coefficients, left } = await orthogonalise(w, basis);
        assert.ok(largest(coefficients.map((x, k) => x - along[k])) < 4 * rounding * norm(along));
        // A sum of squares of one sign is rounded no more than a product is.
        assert.ok(Math.abs(left - norm(w)) <= rounding * left, `${left}, not ${norm(w)}`);
        for (let k = 0; k < COUNT; k++) {
          const rest = Math.abs(dot(basis.column(k), w));
          assert.ok(rest <= 2 * rounding * left, `${outside}: ${rest} of ${left} along column ${k}`);
        }
      }
    });
  });
}

test('products of packed columns hold where few rows hold nearly all of both vectors', async () => {
  const { matrix, columns } = await filled(LARGE, 5);
  const w = unit(LARGE, 99, 5);
  const products = await matrix.products(w);
  assert.ok(largest(products) > 0.5);
  // A large term in a partial sum of 128 leaves each of the others a rounding of its size, at random signs.
  assert.ok(largest(products.map((x, k) => x - dot(columns[k], w))) < ROUNDOFF * Math.sqrt(128));
});

describe('Lanczos on a million rows', () => {
  // A few rows hold the outliers' vectors whole, and the bulk is a hundredth of them: what float32 finds hardest.
  const diagonal = Float64Array.from({ length: LARGE }, (_, i) => (i < 20 ? 20 - i : 0.2 * Math.sin(i) ** 2));
  const operator = {
    size: LARGE,
    apply(v: Vector) {
      const product = new Float64Array(LARGE);
      for (let i = 0; i < LARGE; i++) product[i] = Math.fround(v[i] * diagonal[i]);
      return Promise.resolve(product);
    },
  };

  test('its vectors are orthonormal to float32', async () => {
    const process = new LanczosProcess(operator, unit(LARGE, 1));
    // Well after the first outliers have converged: that is when a basis would lose itself.
    while (process.steps < 50) await process.step();
    const columns = Array.from({ length: process.steps }, (_, k) => process.basis.column(k));
    for (const [k, v] of columns.entries()) {
      // Two roundings of each row, after taking out and by scaling, count twice in a square; the rest is that of the sum of squares, which
      // is most in one row here.
      assert.ok(Math.abs(dot(v, v) - 1) < 8 * ROUNDOFF);
      // What is left below the roundoff, and the error of products, as above.
      const along = largest(columns.slice(0, k).map(other => dot(other, v)));
      assert.ok(along < 10 * ROUNDOFF, `${along} along columns before ${k}`);
    }
  });

  test('its eigenvalues are exact to float32, and the same at every run', async () => {
    const run = () => lastOf(lanczos(operator, { count: 5, seed: 2, tolerance: 1e-6, maxSteps: 60 }));
    const found = await run();
    assert.ok(found.converged);
    found.eigenvalues.forEach(({ value }, i) =>
      assert.ok(Math.abs(value - (20 - i)) < 10 * ROUNDOFF * 20, `${value}, not ${20 - i}`),
    );
    assert.deepEqual(await run(), found);
  });
});
