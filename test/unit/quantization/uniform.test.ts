import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quantizedBytes } from '../../../src/engine/quantization/size';
import { quantizeUniform } from '../../../src/engine/quantization/uniform';
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

/** ‖Q(W) − W‖² of that weight by PyTorch in float64, with one scale per tensor and per output channel. */
const golden: [bits: number, perTensor: number, perChannel: number][] = [
  [8, 0.00013439833722300257, 0.00007087358216397527],
  [6, 0.0023145212872028517, 0.0015523186388041984],
  [4, 0.03651758818462103, 0.032056984570666996],
  [3, 0.18931741071603103, 0.10623908009037934],
  [2, 2.032113615371595, 1.1407140212262548],
];
for (const [bits, perTensor, perChannel] of golden) {
  test(`the error at ${bits} bits is PyTorch's`, () => {
    assertClose(quantizeUniform(conv, { bits, axis: null }).error, perTensor, 1e-12);
    assertClose(quantizeUniform(conv, { bits, axis: 0 }).error, perChannel, 1e-12);
  });
}

test('every axis of a transposed weight gives what the axis gave before', () => {
  const [rows, columns] = [5, 7];
  const data = Rng.of(1).normals(rows * columns);
  const transposed = Float32Array.from(
    { length: 35 },
    (_, i) => data[(i % rows) * columns + Math.floor(i / rows)],
  );
  const straight = quantizeUniform({ name: 'w', shape: [rows, columns], data }, { bits: 3, axis: 0 });
  const turned = quantizeUniform(
    { name: 'w', shape: [columns, rows], data: transposed },
    { bits: 3, axis: 1 },
  );
  assertClose(turned.error, straight.error, 1e-14);
  assert.deepEqual(turned.scales, straight.scales);
});

test('an inner axis of three has its own scales', () => {
  const data = Float32Array.of(1, 1, 7, 7, 2, 2, 14, 14);
  const { scales, error } = quantizeUniform({ name: 'w', shape: [2, 2, 2], data }, { bits: 4, axis: 1 });
  assert.deepEqual([...scales], [2 / 7, 2]);
  // In the first channel 1 is 3.5 steps, which goes to the even 4; in the second 7 is 3.5 steps of 2, so 8.
  assertClose(error, 2 * (8 / 7 - 1) ** 2 + 2 * 1, 1e-14);
});

test('ties go to the even level, on both sides of zero', () => {
  const data = Float64Array.of(7, 0.5, 1.5, 2.5, 3.5, -0.5, -1.5, -2.5, -3.5, -7);
  const values = new Float64Array(10);
  quantizeUniform({ name: 'w', shape: [10], data }, { bits: 4, axis: null }, values);
  assert.deepEqual(
    [...values].map(v => v + 0),
    [7, 0, 2, 2, 4, 0, -2, -2, -4, -7],
  );
});

test('the values written differ from the weights by the error, and quantize to themselves', () => {
  for (const bits of [2, 5, 8, 16]) {
    const values = new Float64Array(72);
    const { error, scales } = quantizeUniform(conv, { bits, axis: 0 }, values);
    assertClose(
      values.reduce((sum, v, i) => sum + (v - convWeight[i]) ** 2, 0),
      error,
      1e-12,
    );
    const again = quantizeUniform({ ...conv, data: values }, { bits, axis: 0 });
    assert.ok(again.error < 1e-28, `${bits} bits: ${again.error}`);
    values.forEach((v, i) =>
      assert.ok(Math.abs(v) <= Math.abs(scales[Math.floor(i / 9)] * (2 ** (bits - 1) - 1)) * (1 + 1e-15)),
    );
  }
});

test('channels of zeros have no scale and no error', () => {
  const values = Float64Array.of(9, 9, 9, 9);
  const weight = { name: 'w', shape: [2, 2], data: Float32Array.of(0, 0, 1, -1) };
  assert.deepEqual(quantizeUniform(weight, { bits: 8, axis: 0 }, values), {
    error: 0,
    scales: Float64Array.of(0, 1 / 127),
  });
  assert.deepEqual([...values], [0, 0, 1, -1]);
});

test('bit widths that there are not, and weights that are no numbers, are refused', () => {
  for (const bits of [1, 17, 4.5, NaN]) {
    assert.throws(
      () => quantizeUniform(conv, { bits, axis: 0 }),
      curvatureError('option-invalid', /from 2 to 16/),
    );
  }
  for (const bad of [NaN, -Infinity]) {
    const weight = { name: 'fc', shape: [3], data: Float32Array.of(1, bad, 2) };
    assert.throws(
      () => quantizeUniform(weight, { bits: 4, axis: null }),
      curvatureError('model-invalid', new RegExp(`'fc' holds ${bad} at flat index 1`)),
    );
  }
});

const sizes: [parameters: number, channels: number, bits: number, bytes: number][] = [
  [72, 8, 8, 72 + 32],
  [72, 8, 4, 36 + 32],
  [7, 1, 3, 3 + 4],
  [9, 1, 2, 3 + 4],
  [1000, 10, 16, 2000 + 40],
];
for (const [parameters, channels, bits, bytes] of sizes) {
  test(`${parameters} weights in ${channels} channels at ${bits} bits take ${bytes} bytes`, () => {
    assert.equal(quantizedBytes(parameters, channels, bits), bytes);
  });
}
