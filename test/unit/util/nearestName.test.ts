import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearestName } from '../../../src/engine/util/nearestName';

test('the nearest name takes the fewest changes', () => {
  assert.equal(nearestName('conv1.wieght', ['conv2.weight', 'conv1.weight', 'fc.bias']), 'conv1.weight');
  assert.equal(nearestName('fc', ['head', 'fc1', 'cf']), 'fc1');
  assert.equal(nearestName('x', []), undefined);
});
