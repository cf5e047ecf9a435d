import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fullBatchBounds, type Training } from '../../../src/engine/training/optimizers';
import { completed } from '../../../src/engine/training/settings';
import { stableBatchSize, stableRate, suggestedTraining } from '../../../src/engine/training/stableSettings';
import { verdict } from '../../../src/engine/training/verdict';
import { assertClose } from '../../support/assertions';
import { aStability } from '../../support/stability';

const study = aStability();
const [lambda, trace] = [10, 40];
/** Wu & Su's sufficient rate of plain SGD, in closed form. */
const closedForm = (batchSize: number, largest = lambda, tr = trace): number =>
  2 / ((1 - 1 / batchSize) * largest + tr / batchSize);
const plain = (learningRate: number, batchSize = 16): Training => ({
  ...{ learningRate, batchSize, momentum: 0, optimizer: 'sgd' },
});

describe('the largest surely stable learning rate', () => {
  for (const batchSize of [1, 4, 16, 512]) {
    test(`is the closed form's, rounded down, with batches of ${batchSize}`, () => {
      const exact = closedForm(batchSize);
      const rate = stableRate(plain(1, batchSize), [study], 3);
      assert.ok(rate <= exact * (1 + 1e-12) && rate > exact * 0.99, `${rate} for ${exact}`);
      assert.equal(String(rate).replace(/^0\.0*/, '').length <= 3, true, String(rate));
      assert.equal(verdict(plain(rate, batchSize), study).code, 'stable');
    });
  }

  test('of several models is the smallest', () => {
    const steep = aStability({ largest: 50, trace: 60 });
    const exact = Math.min(closedForm(16), closedForm(16, 50, 60));
    const rate = stableRate(plain(1), [study, steep], 3);
    assert.ok(rate <= exact && rate > exact * 0.99);
  });
});

test('the smallest stable batch size is the closed form’s next power of two, or there is none', () => {
  for (const rate of [0.06, 0.1, 0.168, 0.19, 0.1999]) {
    // η ≤ 2/((1 − 1/B) λ + tr/B) solved for B.
    const exact = Math.max(1, (rate * (trace - lambda)) / (2 - rate * lambda));
    assert.equal(stableBatchSize(plain(rate), [study]), 2 ** Math.ceil(Math.log2(exact)), String(rate));
  }
  assert.equal(stableBatchSize(plain(0.2001), [study]), undefined);
});

test('suggested settings are stable with the batches at hand, and the fastest ones where these allow it', () => {
  const { suggestion } = study;
  const small = suggestedTraining({ batchSize: 4 }, study, suggestion);
  assert.equal(small.momentum, 0.67);
  assert.ok(small.learningRate < 0.9 * suggestion.learningRate);
  assert.equal(verdict(small, study).code, 'stable');
  const large = suggestedTraining({ batchSize: 1e6 }, study, suggestion);
  assertClose(large.learningRate, suggestion.learningRate, 0.01);
  assert.equal(verdict(large, study).code, 'stable');
  const adam = aStability({ isPreconditioned: true });
  const preconditioned = suggestedTraining({ batchSize: 1e6 }, adam, suggestion);
  assert.equal(preconditioned.optimizer, 'adam');
  assertClose(preconditioned.learningRate, suggestion.learningRate / (1 - 0.67), 0.01);
  assert.equal(verdict(preconditioned, adam).code, 'stable');
});

test('verdicts have the words and the severities of the bounds', () => {
  const at = (rate: number) => verdict(plain(rate), study);
  assert.deepEqual(at(0.25), {
    severity: 'error',
    code: 'unstable',
    message:
      'SGD at lr 0.25 is linearly unstable here: λmax 10 ± 0.001 > 8. Below lr 0.168 it is stable with batches of 16.',
  });
  assert.deepEqual([at(0.19).severity, at(0.19).code], ['warning', 'edge-of-stability']);
  assert.match(
    at(0.19).message,
    /^SGD at lr 0\.19 may be unstable here .*: stable below lr 0\.168, unstable above 0\.2\.$/,
  );
  assert.deepEqual([at(0.1).severity, at(0.1).code], ['info', 'stable']);
});

test('bounds of the full batch: gradient descent, heavy ball, Nesterov, Adam’s form', () => {
  const rows = fullBatchBounds({ ...plain(0.1), momentum: 0.9 }, lambda);
  const expected = [20, 38, 38 / 2.8, 380];
  rows.forEach(({ largestCurvature, learningRate }, k) => {
    assertClose(largestCurvature, expected[k], 1e-12);
    if (k < 3) assertClose(learningRate ?? NaN, expected[k] / 100, 1e-12);
    else assert.equal(learningRate, null);
  });
  assert.equal(fullBatchBounds(plain(0.1), lambda).length, 1);
});

test('two numbers make settings whole; without them it is said which are missing', () => {
  assert.deepEqual(completed({ learningRate: 0.1, batchSize: 8 }), { training: plain(0.1, 8) });
  assert.deepEqual(completed({ learningRate: 0.1, batchSize: 8, optimizer: 'adam' }), {
    training: { learningRate: 0.1, batchSize: 8, optimizer: 'adam', momentum: 0.9 },
  });
  assert.deepEqual(completed({ momentum: 0.9 }), { missing: ['learningRate', 'batchSize'] });
});
