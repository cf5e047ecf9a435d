import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Granularity } from '../../../src/engine/quantization/quantizer';
import { quantizedBytes } from '../../../src/engine/quantization/size';

const channel = (axis: number): Granularity => ({ kind: 'channel', axis });
const block = (axis: number, size: number): Granularity => ({ kind: 'block', axis, size });

const sizes: [
  shape: number[],
  bits: number,
  granularity: Granularity,
  symmetric: number,
  zeroPoints: number,
][] = [
  [[8, 1, 3, 3], 8, channel(0), 72 + 32, 8],
  [[8, 1, 3, 3], 4, channel(0), 36 + 32, 4],
  [[7], 3, { kind: 'tensor' }, 3 + 4, 1],
  [[3, 3], 2, { kind: 'tensor' }, 3 + 4, 1],
  [[100, 10], 16, channel(1), 2000 + 40, 20],
  // Four blocks a row, the last of 4 values.
  [[10, 100], 4, block(1, 32), 500 + 160, 20],
  [[100, 10], 2, block(0, 32), 250 + 160, 10],
  [[3, 7], 3, block(1, 4), 8 + 24, 3],
];
for (const [shape, bits, granularity, bytes, zeroPoints] of sizes) {
  test(`[${shape.join(', ')}] at ${bits} bits per ${granularity.kind} takes ${bytes} bytes, and ${zeroPoints} for zero points`, () => {
    assert.equal(quantizedBytes(shape, { bits, granularity, symmetric: true }), bytes);
    assert.equal(quantizedBytes(shape, { bits, granularity, symmetric: false }), bytes + zeroPoints);
  });
}
