import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chooseGranularity } from '../../../src/engine/quantization/granularity';
import { roundHalfToEven } from '../../../src/engine/quantization/levels';
import { Rng } from '../../../src/engine/util/rng';

/** Normal weights, [channels, perChannel], whose channels' scales spread over e^±spread. */
function weightOf(channels: number, perChannel: number, spread: number) {
  const rng = Rng.of(7, channels, perChannel, spread);
  const factors = rng.normals(channels).map(z => Math.exp(spread * z));
  const data = rng.normals(channels * perChannel).map((w, i) => w * factors[Math.floor(i / perChannel)]);
  return { name: 'w', shape: [channels, perChannel], data };
}

const choose = (weight: ReturnType<typeof weightOf>, bits: number, symmetric = true) =>
  chooseGranularity(weight, 0, 'auto', { bits, symmetric, range: 'min-max' });

/** ‖Q(W) − W‖² of values under one scale, in float64 from the definition. */
function errorOf(values: Float32Array, bits: number, symmetric: boolean): number {
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const last = symmetric ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
  const scale = (symmetric ? Math.max(-low, high) : high - low) / last;
  const zero = symmetric ? 0 : roundHalfToEven(-low / scale);
  const clamp = (q: number) => Math.max(symmetric ? -last : 0, Math.min(last, q));
  return values.reduce(
    (sum, w) => sum + ((clamp(roundHalfToEven(w / scale) + zero) - zero) * scale - w) ** 2,
    0,
  );
}

describe('auto shares scales', () => {
  test('per channel where they divide the error by more than their bytes would as wider integers', () => {
    const seen = new Set<string>();
    for (const [channels, perChannel] of [
      [32, 9],
      [32, 64],
      [8, 300],
    ])
      for (const spread of [0, 0.3, 1.5])
        for (const symmetric of [true, false])
          for (const bits of [2, 3, 4, 7]) {
            const weight = weightOf(channels, perChannel, spread);
            const rows = Array.from({ length: channels }, (_, c) =>
              weight.data.subarray(c * perChannel, (c + 1) * perChannel),
            );
            const ofChannels = rows.reduce((sum, row) => sum + errorOf(row, bits, symmetric), 0);
            const gain = errorOf(weight.data, bits, symmetric) / ofChannels;
            // A float32 scale, and where not symmetric a zero point, for each channel but one.
            const overhead = ((channels - 1) * (32 + (symmetric ? 0 : bits))) / weight.data.length;
            const wanted = gain > 4 ** overhead ? 'channel' : 'tensor';
            const { kind } = choose(weight, bits, symmetric);
            assert.equal(kind, wanted, `${channels}×${perChannel}, spread ${spread}, ${bits} bits`);
            seen.add(kind);
          }
    assert.equal(seen.size, 2);
  });

  test('per channel in large layers, whose channels are no more alike than chance makes them', () => {
    for (const perChannel of [512, 4608])
      for (const bits of [2, 3, 4, 8])
        assert.deepEqual(choose(weightOf(64, perChannel, 0.1), bits), { kind: 'channel', axis: 0 });
  });

  test('per tensor where channels lie along no axis, or no channel differs', () => {
    const weight = weightOf(8, 512, 1);
    const quantizer = { bits: 4, symmetric: true, range: 'min-max' } as const;
    assert.deepEqual(chooseGranularity(weight, null, 'auto', quantizer), { kind: 'tensor' });
    assert.deepEqual(chooseGranularity(weight, null, 'channel', quantizer), { kind: 'tensor' });
    assert.deepEqual(choose({ ...weight, data: new Float32Array(4096) }, 4), { kind: 'tensor' });
    assert.deepEqual(choose({ ...weight, data: new Float32Array(4096).fill(0.3) }, 7), { kind: 'tensor' });
  });

  test('per channel from 8 bits on, where no wider integers could have the bytes', () => {
    const depthwise = weightOf(32, 9, 0);
    assert.equal(choose(depthwise, 7).kind, 'tensor');
    for (const bits of [8, 16]) assert.equal(choose(depthwise, bits).kind, 'channel');
  });

  test('as asked for otherwise', () => {
    const weight = weightOf(8, 512, 1);
    const quantizer = { bits: 4, symmetric: true, range: 'min-max' } as const;
    assert.deepEqual(chooseGranularity(weight, 0, 'tensor', quantizer), { kind: 'tensor' });
    assert.deepEqual(chooseGranularity(weightOf(32, 9, 0), 0, 'channel', quantizer), {
      kind: 'channel',
      axis: 0,
    });
  });
});
