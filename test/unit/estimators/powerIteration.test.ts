import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Matrix } from 'ml-matrix';
import { lanczos } from '../../../src/engine/estimators/lanczos';
import { powerIteration } from '../../../src/engine/estimators/powerIteration';
import { assertClose } from '../../support/assertions';
import { denseOperator, matrixWithSpectrum } from '../../support/denseOperator';
import { lastOf } from '../../support/generators';

const bulk = Array.from({ length: 50 }, (_, i) => Math.sin(i));

for (const [name, outliers] of [
  ['largest', [9, 3]],
  ['smallest', [-9, 3]],
] as const) {
  test(`agrees with Lanczos where the ${name} eigenvalue is the farthest from 0`, async () => {
    const operator = denseOperator(matrixWithSpectrum([...outliers, ...bulk], 1));
    const found = await powerIteration(operator, { seed: 1 });
    const { eigenvalues } = await lastOf(lanczos(operator, { count: 1, which: 'LM', seed: 1 }));
    assert.ok(found.converged && found.residual <= 1e-3);
    assertClose(found.value, eigenvalues[0].value, 1e-5);
    assert.ok(found.steps < 20);
  });
}

test('two eigenvalues of opposite sign do not converge, and it says so', async () => {
  const operator = denseOperator(matrixWithSpectrum([9, -9, ...bulk], 1));
  const { converged, steps } = await powerIteration(operator, { seed: 1, maxSteps: 30 });
  assert.deepEqual([converged, steps, operator.applied], [false, 30, 30]);
});

test('zero', async () => {
  const found = await powerIteration(denseOperator(Matrix.zeros(3, 3)), { seed: 1 });
  assert.deepEqual(found, { value: 0, residual: 0, converged: true, steps: 1 });
});
