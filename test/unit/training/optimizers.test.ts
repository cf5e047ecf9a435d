import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { type Optimizer, optimizers, stableProduct } from '../../../src/engine/training/optimizers';
import { suggest } from '../../../src/engine/training/suggest';
import { assertClose } from '../../support/assertions';
import { goldenFolder } from '../../support/golden';

/** The positive eigenvalues of a trained model's Hessian. */
const spectrum = (
  JSON.parse(readFileSync(path.join(goldenFolder, 'spectra', 'mlp_digits_legacy.json'), 'utf8')) as {
    hessian: readonly number[];
  }
).hessian.filter(x => x > 1e-3);

/** The largest distance from the minimum on Σ λx²/2 after so many steps, as PyTorch's optimizers take them. */
function distance(optimizer: Optimizer, beta: number, rate: number, steps: number): number {
  return Math.max(
    ...spectrum.map(lambda => {
      let [x, m] = [1, 0];
      for (let i = 0; i < steps && Math.abs(x) < 1e6; i++) {
        const g = lambda * x;
        m = beta * m + (optimizer === 'adam' ? (1 - beta) * g : g);
        x -= rate * (optimizer === 'nesterov' ? g + beta * m : m);
      }
      return Math.abs(x);
    }),
  );
}

for (const optimizer of optimizers) {
  for (const beta of [0, 0.5, 0.9, 0.99]) {
    test(`${optimizer} with momentum ${beta} converges just below its bound and diverges just above`, () => {
      const bound = stableProduct(optimizer, beta) / spectrum[0];
      // The slowest direction falls by (1 − ηλ)^steps at least; the fastest grows by 1 % of its bound's slope a step.
      assert.ok(distance(optimizer, beta, 0.995 * bound, 20_000) < 1.5);
      assert.ok(distance(optimizer, beta, 1.005 * bound, 20_000) > 1e3);
    });
  }
}

describe("heavy ball's fastest settings", () => {
  test('shrink every direction by √β a step, and no other settings do better', () => {
    const [largest, smallest] = [spectrum[0], spectrum[spectrum.length - 1]];
    const { learningRate, momentum, share } = suggest({ largest, smallest }, []);
    assert.equal(share, 1);
    const radius = (rate: number, beta: number): number =>
      Math.max(...[largest, smallest].map(l => rootOf(rate * l, beta)));
    assertClose(radius(learningRate, momentum), Math.sqrt(momentum), 1e-6);
    for (const [a, b] of [
      [1.02, 1],
      [0.98, 1],
      [1, 1.002],
      [1, 0.998],
    ])
      assert.ok(radius(a * learningRate, b * momentum) > Math.sqrt(momentum));
  });

  test('take the eigenvalues that make up most of a spectrum with a negative part', () => {
    const weights = Array<number>(5).fill(0.2);
    const { from, to, share } = suggest({ largest: 8, smallest: -1 }, [
      { nodes: [8, 1, 0.6, 0.3, -1], weights },
    ]);
    assert.deepEqual([from, to, share], [1, 8, 0.9]);
  });
});

/** The largest |z| with z² − (1 + β − x) z + β = 0. */
function rootOf(x: number, beta: number): number {
  const b = 1 + beta - x;
  const d = b * b - 4 * beta;
  return d < 0 ? Math.sqrt(beta) : (Math.abs(b) + Math.sqrt(d)) / 2;
}
