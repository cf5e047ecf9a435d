import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inverse, Matrix } from 'ml-matrix';
import { InverseFisher } from '../../../src/engine/estimators/inverseFisher';
import {
  byRising,
  corrected,
  correctedRounding,
  fisherForm,
  saliency,
} from '../../../src/engine/sensitivity/brainSurgeon';
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

test('the predicted rise is ½ δᵀFδ without damping', () => {
  const step = Float64Array.from(Rng.of(5).normals(d));
  const own = (damping / 2) * step.reduce((sum, x) => sum + x * x, 0);
  assertClose(fisherForm(fisher, step), rise(step) - own, 1e-9);
});

test('weights are ordered from the least salient on', () => {
  assert.deepEqual([...byRising(Float64Array.of(3, 0.5, 2))], [1, 2, 0]);
});

test('rounding with correction ends on the levels and costs less than rounding to the nearest', () => {
  const round = (values: ArrayLike<number>): Float64Array =>
    Float64Array.from(values, x => 0.5 * Math.round(x / 0.5));
  const plain = round(weights).map((q, i) => q - weights[i]);
  const better = correctedRounding(fisher, weights, round);
  better.forEach((e, i) => {
    const level = (weights[i] + e) / 0.5;
    assert.ok(Math.abs(level - Math.round(level)) < 1e-9);
  });
  assert.ok(rise(better) < 0.7 * rise(plain), `${rise(better)}, ${rise(plain)}`);
});
