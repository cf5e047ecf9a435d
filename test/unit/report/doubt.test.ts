import assert from 'node:assert/strict';
import { test } from 'node:test';
import { doubtOf, doubtText, trustedAbove } from '../../../src/engine/report/doubt';
import { stepOf, studiedReport } from '../../browser/studiesFixture';

const report = studiedReport();
const [, second, , , fifth] = report.layers.map(({ name }) => name);

test('a doubt is of a second-order sensitivity whose model is off before the step ends', () => {
  assert.equal(doubtOf(report, second, 4)?.bits, 4);
  // Measured, although the model is off.
  assert.equal(doubtOf(report, second, 2), undefined);
  const unmeasured = { ...report, settings: { ...report.settings, measureUpTo: undefined } };
  assert.equal(doubtOf(unmeasured, second, 2)?.radius, 0);
  assert.equal(doubtOf(unmeasured, fifth, 2), undefined);
});

test('where nobody has looked there is no doubt, and nothing to trust', () => {
  assert.equal(doubtOf(report, second, 5), undefined);
  assert.equal(doubtOf(report, 'nobody', 4), undefined);
  assert.equal(doubtOf({ ...report, studies: undefined }, second, 4), undefined);
  assert.equal(trustedAbove({ ...report, studies: undefined }, second, 4), undefined);
});

test('the next width that holds', () => {
  assert.equal(trustedAbove(report, second, 4), 8);
  assert.equal(trustedAbove(report, second, 8), undefined);
});

test('the text names the first point that is off', () => {
  // s + s² + 2 s³: at a half 0.75 + 0.25, at the end 2 + 2.
  assert.equal(
    doubtText(stepOf(4, 1, 1, 2)),
    'the second-order model is off at the end of the step to these weights (the loss changes by 4 there, 2 is predicted)',
  );
  assert.equal(doubtText(stepOf(4, 1, 1, 0)), undefined);
});
