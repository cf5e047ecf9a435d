import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diagonalError, hutchinsonDiagonal } from '../../../src/engine/estimators/diagonal';
import { assertClose, curvatureError } from '../../support/assertions';
import { denseOperator, normalMatrix } from '../../support/denseOperator';
import { allOf, lastOf } from '../../support/generators';

const operator = denseOperator(normalMatrix(24, 1));
const diagonal = operator.matrix.diag();

test('the spread of each element is the one that theory gives', async () => {
  const { estimate, stderr, samples } = await lastOf(
    hutchinsonDiagonal(operator, { seed: 1, rtol: 0, maxProbes: 4000 }),
  );
  assert.equal(samples, 4000);
  diagonal.forEach((d, i) => {
    const row = operator.matrix.getRow(i);
    const variance = row.reduce((sum, x, j) => sum + (j === i ? 0 : x * x), 0);
    assertClose(stderr[i], Math.sqrt(variance / 4000), 0.08);
    assert.ok(Math.abs(estimate[i] - d) < 4 * stderr[i]);
  });
});

test('a block has the mean of its elements, of any length, and less spread', async () => {
  const blocks = Uint32Array.of(9, 9, 4, 1, 1);
  const options = { seed: 2, rtol: 0, maxProbes: 60 };
  const single = await lastOf(hutchinsonDiagonal(operator, options));
  const blocked = await lastOf(hutchinsonDiagonal(operator, { ...options, blocks }));
  let start = 0;
  blocks.forEach((length, b) => {
    const own = single.estimate.subarray(start, (start += length));
    assertClose(blocked.estimate[b], own.reduce((sum, x) => sum + x, 0) / length, 1e-9);
  });
  assert.ok(blocked.stderr[0] < 0.7 * single.stderr[0]);
  assert.equal(blocked.stderr[4], single.stderr[23]);
});

test('the error is beside the diagonal itself, not beside the estimate that noise makes longer', async () => {
  assert.equal(diagonalError(3, 5), 3 / 4);
  assert.deepEqual([diagonalError(0, 0), diagonalError(2, 1)], [0, Infinity]);
  const squares = (values: ArrayLike<number>): number =>
    Array.from(values).reduce((sum, x) => sum + x * x, 0);
  let [estimates, errors] = [0, 0];
  for (let seed = 0; seed < 200; seed++) {
    const { estimate, stderr } = await lastOf(hutchinsonDiagonal(operator, { seed, rtol: 0, maxProbes: 4 }));
    estimates += squares(estimate) / 200;
    errors += squares(stderr) / 200;
  }
  // By theory, as above.
  const theory = diagonal.reduce((sum, d, i) => sum + squares(operator.matrix.getRow(i)) - d * d, 0) / 4;
  const exact = Math.sqrt(theory / squares(diagonal));
  assert.ok(exact > 1, 'noise is longer than the diagonal');
  assertClose(diagonalError(Math.sqrt(errors), Math.sqrt(estimates)), exact, 0.1);
});

test('a diagonal matrix is known after the least number of probes', async () => {
  const d = denseOperator(normalMatrix(1, 3));
  const { estimate, stderr, samples, converged } = await lastOf(
    hutchinsonDiagonal(d, { seed: 1, rtol: 0.05 }),
  );
  assert.deepEqual([estimate[0], stderr[0], samples, converged], [d.trace, 0, 8, true]);
});

test('each step is a result of its own; the same seed gives the same numbers', async () => {
  const options = { seed: 5, rtol: 0, maxProbes: 5 };
  const steps = await allOf(hutchinsonDiagonal(operator, options));
  assert.deepEqual(
    steps.map(s => s.samples),
    [2, 3, 4, 5],
  );
  assert.notDeepEqual(steps[0].estimate, steps[3].estimate);
  assert.deepEqual(await allOf(hutchinsonDiagonal(operator, options)), steps);
});

test('blocks that do not fit are refused', async () => {
  const run = (blocks: number[]): Promise<unknown> =>
    allOf(hutchinsonDiagonal(operator, { seed: 0, rtol: 0.1, blocks }));
  await assert.rejects(
    run([9, 9]),
    curvatureError('option-invalid', /hold 18 elements, and the diagonal has 24/),
  );
  await assert.rejects(run([24, 0]), curvatureError('option-invalid', /Block 1 has the length 0/));
});

test('a product that is not finite is named', async () => {
  const broken = { size: 3, apply: () => Promise.resolve(Float64Array.of(1, NaN, 1)) };
  await assert.rejects(
    allOf(hutchinsonDiagonal(broken, { seed: 0, rtol: 0.1 })),
    curvatureError('not-finite', /NaN in product 1/),
  );
});
