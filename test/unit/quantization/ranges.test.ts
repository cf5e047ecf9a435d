import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { affineOf, type Range, roundHalfToEven } from '../../../src/engine/quantization/levels';
import { quantizationError, quantize } from '../../../src/engine/quantization/quantize';
import type { Quantizer } from '../../../src/engine/quantization/quantizer';
import { Rng } from '../../../src/engine/util/rng';
import { assertClose } from '../../support/assertions';

const quantizer = (over: Partial<Quantizer>): Quantizer => ({
  bits: 8,
  symmetric: true,
  granularity: { kind: 'tensor' },
  range: 'percentile',
  ...over,
});
const weightOf = (data: Float32Array) => ({ name: 'w', shape: [data.length], data });

describe('percentile', () => {
  const data = Float32Array.from({ length: 20_001 }, (_, i) => (i * 7919) % 20_001);
  test('of magnitudes where symmetric: NumPy gives 19998 of 0 … 20000, or of their negatives', () => {
    for (const sign of [1, -1]) {
      const { scales } = quantize(weightOf(data.map(x => sign * x)), quantizer({}));
      assert.equal(scales[0], Math.fround(19_998 / 127));
    }
  });
  test('of either end where not: NumPy gives −9998 and 9998 of −10000 … 10000', () => {
    const { scales, zeroPoints } = quantize(
      weightOf(data.map(x => x - 10_000)),
      quantizer({ symmetric: false }),
    );
    // 127.5 is rounded to even.
    assert.deepEqual([scales[0], zeroPoints[0]], [Math.fround(19_996 / 255), 128]);
  });
  test('lies between order statistics: np.percentile([0, 1, 2, 3], 99.99) is 2.9997', () => {
    const { scales } = quantize(weightOf(Float32Array.of(3, 1, 0, 2)), quantizer({}));
    assertClose(scales[0], 2.9997 / 127, 1e-7);
  });
});

/** ‖Q(W) − W‖² straight from the definition. */
function errorWith(data: Float32Array, range: Range, bits: number, symmetric: boolean): number {
  const { scale, zeroPoint } = affineOf(range, bits, symmetric);
  const [least, most] = symmetric ? [1 - 2 ** (bits - 1), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
  return data.reduce((sum, w) => {
    const q = Math.min(most, Math.max(least, roundHalfToEven(Math.fround(w / scale)) + zeroPoint));
    return sum + (Math.fround((q - zeroPoint) * scale) - w) ** 2;
  }, 0);
}

const normals = Rng.of(1).normals(700);
const tensors: Record<string, Float32Array> = {
  'normal weights': normals,
  'weights with outliers': normals.map((x, i) => (i % 97 === 0 ? 8 * x : x)),
  'positive weights': normals.map(Math.abs),
  'negative weights': normals.map(x => -x * x),
  'a lopsided tail': normals.map(x => Math.exp(x) - 0.5),
  'a block of 16': normals.subarray(0, 16),
  'equal weights': new Float32Array(9).fill(0.3),
  'two values': Float32Array.of(-1, 0.01),
};

describe('the range of least squared error', () => {
  for (const [title, data] of Object.entries(tensors)) {
    for (const symmetric of [true, false]) {
      test(`${title}, ${symmetric ? 'symmetric' : 'with a zero point'}: the least of the grid, and close to a fine one's`, () => {
        for (const bits of [2, 3, 4, 6, 8]) {
          const found = quantizationError(weightOf(data), quantizer({ bits, symmetric, range: 'mse' }));
          const low = Math.min(...data, 0);
          const high = Math.max(...data, 0);
          const least = (ratios: number, independent: boolean): number => {
            let best = Infinity;
            for (let k = 1; k <= ratios; k++) {
              for (let m = independent ? 1 : k; m <= (independent ? ratios : k); m++) {
                const range = { low: (low * k) / ratios, high: (high * m) / ratios };
                best = Math.min(best, errorWith(data, range, bits, symmetric));
              }
            }
            return best;
          };
          const two = !symmetric && low < 0 && high > 0;
          // The search rounds by bounds in float64, the quantizer by float32 quotients: values that lie on a bound.
          assertClose(found, least(two ? 32 : 100, two), 1e-5, `${bits} bits`);
          const minMax = quantizationError(weightOf(data), quantizer({ bits, symmetric, range: 'min-max' }));
          assert.ok(found <= minMax * (1 + 1e-9), `${bits} bits: ${found}, min-max ${minMax}`);
        }
      });
    }
  }

  test('a grid ten times as fine gains little on a layer', () => {
    for (const bits of [2, 3, 4]) {
      const found = quantizationError(weightOf(normals), quantizer({ bits, range: 'mse' }));
      const end = Math.max(...normals.map(Math.abs));
      const fine = Array.from({ length: 1000 }, (_, k) => ((k + 1) * end) / 1000);
      const least = Math.min(...fine.map(c => errorWith(normals, { low: -c, high: c }, bits, true)));
      assert.ok(found >= least * (1 - 1e-6) && found <= least * 1.02, `${bits} bits: ${found}, ${least}`);
    }
  });

  test('clips a single outlier', () => {
    const data = Float32Array.of(...normals, 12);
    const error = (range: Quantizer['range']): number =>
      quantizationError(weightOf(data), quantizer({ bits: 4, range }));
    const { scales, integers } = quantize(weightOf(data), quantizer({ bits: 4, range: 'mse' }));
    assert.ok(7 * scales[0] < 9 && integers.at(-1) === 7, `${scales[0]}`);
    assert.ok(error('mse') < 0.7 * error('min-max'));
  });
});
