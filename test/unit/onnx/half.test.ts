import assert from 'node:assert/strict';
import { test } from 'node:test';
import { floatsToHalves, halvesToFloats } from '../../../src/engine/onnx/half';

/** The halves from 0 up to the largest finite one. */
const halves = Uint16Array.from({ length: 0x7c00 }, (_, i) => i);

test('every half is its own nearest, with either sign', () => {
  for (const sign of [0, 0x8000]) {
    const bits = halves.map(h => h | sign);
    assert.deepEqual(floatsToHalves(halvesToFloats(bits)), bits);
  }
});

test('half way between two halves goes to the even one, a little beyond to the nearer one', () => {
  const values = halvesToFloats(halves);
  const middles = values.subarray(1).map((v, i) => (v + values[i]) / 2);
  assert.deepEqual(
    floatsToHalves(middles),
    Uint16Array.from(middles, (_, i) => i + (i % 2)),
  );
  const beyond = middles.map(m => m * (1 + 2 ** -20));
  assert.deepEqual(
    floatsToHalves(beyond),
    Uint16Array.from(beyond, (_, i) => i + 1),
  );
});

test('what no half holds', () => {
  const found = floatsToHalves(Float32Array.of(65519, 65520, -1e10, Infinity, -Infinity, NaN, 1e-9, -0));
  assert.deepEqual([...found], [0x7bff, 0x7c00, 0xfc00, 0x7c00, 0xfc00, 0x7e00, 0, 0x8000]);
});
