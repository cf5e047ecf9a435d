import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { systemReason } from '../../../src/engine/util/systemReason';

const refusals: [string, string, string][] = [
  ['a missing file', path.join(__dirname, 'nowhere.json'), 'there is no such file'],
  ['a file below a file', path.join(__filename, 'nowhere.json'), 'there is no such file'],
  ['a folder', __dirname, 'it is a folder'],
];
for (const [name, file, reason] of refusals) {
  test(`${name} is told in words`, () => {
    try {
      readFileSync(file);
    } catch (error) {
      return assert.equal(systemReason(error), reason);
    }
    assert.fail('the file could be read');
  });
}

test('what has no words keeps its message', () => {
  assert.equal(systemReason(new Error('the disk is on fire')), 'the disk is on fire');
  assert.equal(systemReason('a text'), 'a text');
});
