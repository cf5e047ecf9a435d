import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inverse, Matrix } from 'ml-matrix';
import { InverseFisher } from '../../../src/engine/estimators/inverseFisher';
import { corrected, saliency, saliencyByLayer } from '../../../src/engine/sensitivity/brainSurgeon';
import { Rng } from '../../../src/engine/util/rng';
import { assertClose } from '../../support/assertions';

const [m, d, damping] = [12, 20, 1e-2];
const gradients = Array.from({ length: m }, (_, k) => Rng.of(1, k).normals(d));
const weights = Float64Array.from(Rng.of(2).normals(d));
const fisher = new InverseFisher(gradients, { damping });
const rows = new Matrix(gradients.map(g => Array.from(g)));
const dense = rows.transpose().mmul(rows).div(m).add(Matrix.eye(d).mul(damping));
const rise = (step: Float64Array): number => {
  const v = Matrix.columnVector(Array.from(step));
  return v.dot(dense.mmul(v)) / 2;
};
const freeBut = (...given: number[]): Uint8Array =>
  Uint8Array.from({ length: d }, (_, i) => (given.includes(i) ? 0 : 1));

test('removing a weight raises the loss by its saliency, once the others have made up for it', () => {
  const saliencies = saliency(weights, fisher.diagonal());
  for (const q of [0, 5, 19]) {
    const error = new Float64Array(d);
    error[q] = -weights[q];
    assertClose(rise(corrected(fisher, error, freeBut(q))), saliencies[q], 1e-9);
  }
});

test("for one weight the step is Optimal Brain Surgeon's: e/[F⁻¹]_qq · F⁻¹e_q", () => {
  const inverted = inverse(dense);
  const error = new Float64Array(d);
  error[7] = 0.3;
  corrected(fisher, error, freeBut(7)).forEach((x, i) =>
    assertClose(x, (0.3 / inverted.get(7, 7)) * inverted.get(i, 7), 1e-9),
  );
});

test('for many weights no other step of the free ones costs less', () => {
  const error = Float64Array.from(Rng.of(3).normals(d), (x, i) => (i < 9 ? 0.1 * x : 0));
  const isFree = Uint8Array.from({ length: d }, (_, i) => (i < 9 ? 0 : 1));
  const step = corrected(fisher, error, isFree);
  assert.deepEqual(step.subarray(0, 9), error.subarray(0, 9));
  const least = rise(step);
  assert.ok(least < 0.5 * rise(error), `${least} of ${rise(error)}`);
  for (let seed = 0; seed < 50; seed++) {
    const other = step.map((x, i) => x + (i < 9 ? 0 : 1e-3 * Rng.of(seed, i).normal()));
    assert.ok(rise(other) > least);
  }
});

test('a layer has the sum and the mean of its weights', () => {
  const parts = saliencyByLayer(Float64Array.of(1, 2, 3, 10), [3, 1]);
  assert.deepEqual(parts, [
    { total: 6, mean: 2 },
    { total: 10, mean: 10 },
  ]);
});
