import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { calibratedRange, entropyThreshold } from '../../../src/engine/quantization/calibrate';
import { WideningHistogram } from '../../../src/engine/quantization/histogram';
import { Rng } from '../../../src/engine/util/rng';
import { curvatureError } from '../../support/assertions';
import { goldenFolder } from '../../support/golden';

const histogramOf = (...batches: readonly Float32Array[]): WideningHistogram => {
  const histogram = new WideningHistogram();
  for (const batch of batches) histogram.add(batch, 'a');
  return histogram;
};

describe('a histogram that widens', () => {
  const data = Rng.of(1)
    .normals(5000)
    .map((x, i) => x * 1.001 ** i);
  const whole = histogramOf(data);
  const magnitudes = Float32Array.from(data, Math.abs).sort();

  test('is the same however the values are split, and in whatever order', () => {
    const parts = Array.from({ length: 10 }, (_, k) => data.subarray(500 * k, 500 * (k + 1)));
    for (const other of [
      histogramOf(...parts),
      histogramOf(...parts.reverse()),
      histogramOf(data.toReversed()),
    ]) {
      assert.equal(other.width, whole.width);
      assert.deepEqual(other.magnitudes(), whole.magnitudes());
    }
  });

  test('counts magnitudes in bins of its width', () => {
    const counts = whole.magnitudes();
    assert.ok(counts.length > 2048 && counts.length <= 4096);
    const expected = new Float64Array(counts.length);
    // A negative value on the border of two bins counts in the lower one; no drawn value lies there.
    for (const m of magnitudes) expected[Math.floor(m / whole.width)]++;
    assert.deepEqual(counts, expected);
  });

  test('has quantiles within a bin of the sorted values', () => {
    const sorted = data.slice().sort();
    for (const q of [0.0001, 0.01, 0.3, 0.5, 0.99, 0.9999, 1]) {
      const [value, position] = [whole.quantile(q), q * 4999];
      const [below, above] = [sorted[Math.floor(position)], sorted[Math.ceil(position)]];
      const expected = below + (position % 1) * (above - below);
      assert.ok(Math.abs(value - expected) <= whole.width, `${q}: ${value}, ${expected}`);
    }
  });

  test('takes zeros, denormals and the largest floats', () => {
    const zeros = histogramOf(new Float32Array(10));
    for (const method of ['min-max', 'percentile', 'entropy'] as const) {
      const { low, high } = calibratedRange(zeros, method);
      assert.deepEqual([low + 0, high + 0], [0, 0]);
    }
    const extreme = histogramOf(Float32Array.of(0, 1e-45), Float32Array.of(-3.4e38, 3.4e38));
    assert.equal(
      extreme.magnitudes().reduce((a, b) => a + b),
      4,
    );
  });

  test('refuses what is no number', () => {
    assert.throws(() => histogramOf(Float32Array.of(1, NaN)), curvatureError('not-finite', /'a' holds NaN/));
  });
});

describe('thresholds by entropy are those of scipy', () => {
  const cases = JSON.parse(readFileSync(path.join(goldenFolder, 'activations', 'entropy.json'), 'utf8')) as {
    name: string;
    levels: number;
    counts: number[];
    threshold: number;
  }[];
  for (const { name, levels, counts, threshold } of cases) {
    test(`${name}, ${levels} levels`, () => {
      assert.equal(entropyThreshold(Float64Array.from(counts), levels), threshold);
    });
  }
});
