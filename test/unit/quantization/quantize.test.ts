import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dequantize, quantizationError, quantize } from '../../../src/engine/quantization/quantize';
import {
  type Granularity,
  type Quantizer,
  rangeMethods,
  weightQuantizer,
} from '../../../src/engine/quantization/quantizer';
import { Rng } from '../../../src/engine/util/rng';
import { assertClose, curvatureError } from '../../support/assertions';

/** `conv.weight` of a small ResNet trained on MNIST, [8, 1, 3, 3], as little-endian float32. */
const convWeight = new Float32Array(
  Uint8Array.from(
    Buffer.from(
      '+bF1vu2PsD1wote+PwSNvjMtHL620SU8AFYJvSF2Hj7Na5y9rdMevicA2b4EGI++W2yvvVrcBj3afOc7yi8SPhE1wD' +
        '5DIYk+kvnRvs7oqb7cwOo96Vg9Pj9YtT13i3U+jdoQvpWfgT6VDlA+ErcWvx43yr1gYQa9VbaMvmQbjT00GAC+fydE' +
        'vqZZD75Ztgu/AgMMPcwqvD5w25s+qD8RPmKZGLwaCqw7H/64vjOYzL5I8qW+94AdvmFhSj5+nzQ+wQWtPJ9CPT5ySm' +
        'g+P9TTPp76AT9+3rw9P5wEPOkNLj5tevY91EcLv2XZv777bK6+JbQtPq0zOj4z7V2+FormPqZzGT4MUiu9QkCzPl5E' +
        '6T3B6LU+L3QYPiTyPr71juC9',
      'base64',
    ),
  ).buffer,
);
const conv = { name: 'conv.weight', shape: [8, 1, 3, 3], data: convWeight };

/**
 * ‖Q(W) − W‖² of that weight by PyTorch in float64, with one scale per tensor and per output channel. Float32 scales and
 * values are 2⁻²⁴ off, which moves each term by at most 2⁻²³ · |w| · |Q(w) − w|: 4e-6 of the sum at 8 bits.
 */
const golden: [bits: number, perTensor: number, perChannel: number][] = [
  [8, 0.00013439833722300257, 0.00007087358216397527],
  [6, 0.0023145212872028517, 0.0015523186388041984],
  [4, 0.03651758818462103, 0.032056984570666996],
  [3, 0.18931741071603103, 0.10623908009037934],
  [2, 2.032113615371595, 1.1407140212262548],
];
for (const [bits, perTensor, perChannel] of golden) {
  test(`the error at ${bits} bits is PyTorch's`, () => {
    assertClose(quantizationError(conv, weightQuantizer(bits, null)), perTensor, 4e-6);
    assertClose(quantizationError(conv, weightQuantizer(bits, 0)), perChannel, 4e-6);
  });
}

const tensor: Granularity = { kind: 'tensor' };
const quantizerOf = (over: Partial<Quantizer>): Quantizer => ({ ...weightQuantizer(4, null), ...over });
const weightOf = (shape: readonly number[], data: readonly number[] | Float32Array) => ({
  name: 'w',
  shape,
  data: Float32Array.from(data),
});
const squaredDistance = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, x, i) => sum + (x - b[i]) ** 2, 0);

test('symmetric: ties go to the even level, on both sides of zero', () => {
  const weight = weightOf([10], [7, 0.5, 1.5, 2.5, 3.5, -0.5, -1.5, -2.5, -3.5, -7]);
  const quantized = quantize(weight, quantizerOf({ bits: 4 }));
  assert.deepEqual([...quantized.integers], [7, 0, 2, 2, 4, 0, -2, -2, -4, -7]);
  assert.deepEqual([...quantized.scales, ...quantized.zeroPoints], [1, 0]);
});

test('asymmetric: the zero point is rounded to even, and zero stays exact', () => {
  // −2.5 … 12.5 in 15 steps of 1: the zero point 2.5 goes to 2, so that −2.5 is level 0 and 12.5 level 14.
  const weight = weightOf([4], [-2.5, 0, 0.75, 12.5]);
  const quantized = quantize(weight, quantizerOf({ symmetric: false }));
  assert.deepEqual([...quantized.zeroPoints, ...quantized.integers], [2, 0, 2, 3, 14]);
  assert.deepEqual([...dequantize(quantized)], [-2, 0, 1, 12]);
});

test('asymmetric: a range on one side of zero is widened to it', () => {
  for (const [data, zeroPoint] of [
    [[5, 15], 0],
    [[-15, -5], 15],
  ] as const) {
    const quantized = quantize(weightOf([2], data), quantizerOf({ symmetric: false }));
    assert.deepEqual([...quantized.scales, ...quantized.zeroPoints], [1, zeroPoint]);
    assert.deepEqual([...dequantize(quantized)], data);
  }
});

test('groups share scales as the granularity says; the last block is shorter', () => {
  const shape = [2, 5, 3];
  const data = Rng.of(7).normals(30);
  const groupsOf: [Granularity, number[], (o: number, a: number, i: number) => number][] = [
    [tensor, [], () => 0],
    [{ kind: 'channel', axis: 0 }, [2], o => o],
    [{ kind: 'channel', axis: 1 }, [5], (_o, a) => a],
    [{ kind: 'channel', axis: 2 }, [3], (_o, _a, i) => i],
    [{ kind: 'block', axis: 1, size: 2 }, [2, 3, 3], (o, a, i) => (o * 3 + Math.floor(a / 2)) * 3 + i],
    [{ kind: 'block', axis: 2, size: 2 }, [2, 5, 2], (o, a, i) => (o * 5 + a) * 2 + Math.floor(i / 2)],
    [{ kind: 'block', axis: 0, size: 8 }, [1, 5, 3], (_o, a, i) => a * 3 + i],
  ];
  for (const [granularity, scaleShape, groupAt] of groupsOf) {
    for (const range of rangeMethods) {
      const quantizer = quantizerOf({ granularity, range });
      const quantized = quantize(weightOf(shape, data), quantizer);
      assert.deepEqual(quantized.scaleShape, scaleShape);
      const groups: number[][] = Array.from({ length: scaleShape.reduce((a, b) => a * b, 1) }, () => []);
      data.forEach((w, k) => groups[groupAt(Math.floor(k / 15), Math.floor(k / 3) % 5, k % 3)].push(w));
      const byItself: Quantizer = { ...quantizer, granularity: tensor };
      const alone = groups.map(g => quantize(weightOf([g.length], g), byItself));
      assert.deepEqual(
        [...quantized.scales],
        alone.map(q => q.scales[0]),
        JSON.stringify(quantizer),
      );
    }
  }
});

test('the error is that of the dequantized values, for every quantizer; those quantize to themselves', () => {
  const weight = weightOf([6, 10, 3], Rng.of(3).normals(180));
  for (const granularity of [
    tensor,
    { kind: 'channel', axis: 1 },
    { kind: 'block', axis: 1, size: 4 },
    { kind: 'block', axis: 2, size: 2 },
  ] as const) {
    for (const range of rangeMethods) {
      for (const symmetric of [true, false]) {
        for (const bits of [2, 3, 5, 8, 16]) {
          const quantizer = { bits, symmetric, granularity, range };
          const quantized = quantize(weight, quantizer);
          const values = dequantize(quantized);
          // Summed in another order.
          assertClose(quantizationError(weight, quantizer), squaredDistance(values, weight.data), 1e-13);
          const again = quantize({ ...weight, data: values }, quantizer);
          if (range === 'min-max' && symmetric) assert.deepEqual(dequantize(again), values);
          const [least, most] = symmetric ? [1 - 2 ** (bits - 1), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
          assert.ok(quantized.integers.every(q => q >= least && q <= most));
        }
      }
    }
  }
});

test('values uniform over the range have the error Δ²/12', () => {
  const n = 200_000;
  const rng = Rng.of(5);
  const data = Float32Array.from({ length: n }, () => 2 * rng.uniform() - 1);
  for (const symmetric of [true, false]) {
    for (const bits of [3, 4, 8]) {
      const step = 2 / (symmetric ? 2 ** bits - 2 : 2 ** bits - 1);
      const error = quantizationError(weightOf([n], data), quantizerOf({ bits, symmetric }));
      // The squares of a uniform rounding error have the standard deviation √(1/180) Δ² about 1/12 Δ²: 0.9/√n of it. The
      // zero point's rounding moves the ends by half a step at most, which adds 1/2^b of at most as much.
      assertClose(error / n, step ** 2 / 12, 4 * (0.9 / Math.sqrt(n)) + (symmetric ? 0 : 1 / 2 ** bits));
    }
  }
});

test('more bits have less error', () => {
  for (const range of rangeMethods) {
    for (const symmetric of [true, false]) {
      const errors = [2, 3, 4, 5, 6, 8, 16].map(bits =>
        quantizationError(conv, { bits, symmetric, range, granularity: { kind: 'channel', axis: 0 } }),
      );
      errors.slice(1).forEach((error, i) => assert.ok(error < errors[i], `${range}: ${errors.join(', ')}`));
    }
  }
});

test('a scale per channel is no worse than one of the tensor for channels of different spread', () => {
  const spread = weightOf(
    [4, 100],
    Rng.of(2)
      .normals(400)
      .map((x, i) => x * 10 ** Math.floor(i / 100)),
  );
  for (const range of rangeMethods) {
    const error = (granularity: Granularity): number =>
      quantizationError(spread, quantizerOf({ range, granularity }));
    assert.ok(error({ kind: 'channel', axis: 0 }) < 0.5 * error(tensor));
  }
});

test('groups of zeros, and those too small for a scale, become zeros', () => {
  for (const range of rangeMethods) {
    for (const symmetric of [true, false]) {
      const weight = weightOf([3, 2], [0, 0, 1, -1, 1e-45, 0]);
      const quantized = quantize(weight, {
        bits: 8,
        symmetric,
        range,
        granularity: { kind: 'channel', axis: 0 },
      });
      assert.deepEqual([quantized.scales[0], quantized.zeroPoints[0]], [1, 0]);
      assert.deepEqual(
        Array.from(dequantize(quantized), v => v + 0).filter((_, i) => i < 2 || i > 3),
        [0, 0, 0, 0],
      );
    }
  }
});

test('the largest floats have finite scales', () => {
  const largest = (2 - 2 ** -23) * 2 ** 127;
  for (const symmetric of [true, false]) {
    const { scales } = quantize(weightOf([2], [-largest, largest]), quantizerOf({ symmetric }));
    assert.ok(Number.isFinite(scales[0]) && scales[0] > 0);
  }
});

test('an empty tensor has no error', () => {
  for (const granularity of [
    tensor,
    { kind: 'channel', axis: 0 },
    { kind: 'block', axis: 1, size: 4 },
  ] as const)
    assert.equal(quantizationError(weightOf([0, 3], []), quantizerOf({ granularity })), 0);
});

test('bit widths and granularities that there are not, and weights that are no numbers, are refused', () => {
  for (const bits of [1, 17, 4.5, NaN])
    assert.throws(
      () => quantizationError(conv, weightQuantizer(bits, 0)),
      curvatureError('option-invalid', /2 to 16/),
    );
  assert.throws(
    () => quantize(conv, weightQuantizer(4, 4)),
    curvatureError('option-invalid', /axis 4.*\[8, 1, 3, 3\]/),
  );
  assert.throws(
    () => quantize(conv, quantizerOf({ granularity: { kind: 'block', axis: 0, size: 0 } })),
    curvatureError('option-invalid', /Blocks of 0/),
  );
  for (const bad of [NaN, -Infinity]) {
    const weight = { name: 'fc', shape: [3], data: Float32Array.of(1, bad, 2) };
    for (const range of rangeMethods) {
      assert.throws(
        () => quantizationError(weight, quantizerOf({ range })),
        curvatureError('model-invalid', new RegExp(`'fc' holds ${bad} at flat index 1`)),
      );
    }
  }
});
