import { InvalidArgumentError } from 'commander';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as read from '../../../src/cli/values';

const good: [keyof typeof read, string, unknown][] = [
  ['count', '0', 0],
  ['positive', '12', 12],
  ['probes', '2', 2],
  ['seed', '4294967295', 2 ** 32 - 1],
  ['tolerance', '0.05', 0.05],
  ['tolerance', '1e-3', 0.001],
  ['bitWidths', '8, 2,16', [2, 8, 16]],
  ['bitWidths', '4', [4]],
  ['budget', '8MB', '8MB'],
];
for (const [reader, text, value] of good) {
  test(`${reader} reads '${text}'`, () => assert.deepEqual(read[reader](text), value));
}

const bad: [keyof typeof read, string, RegExp][] = [
  ['count', '-1', /whole number of at least 0/],
  ['count', '1.5', /whole number/],
  ['count', '0x10', /whole number/],
  ['positive', '0', /at least 1/],
  ['positive', '', /at least 1/],
  ['probes', '1', /at least 2/],
  ['seed', '4294967296', /from 0 to 4294967295/],
  ['tolerance', '0', /above 0/],
  ['tolerance', '-1', /above 0/],
  ['tolerance', 'Infinity', /above 0/],
  ['tolerance', ' ', /above 0/],
  ['tolerance', 'x', /above 0/],
  ['bitWidths', '1,4', /from 2 to 16/],
  ['bitWidths', '4,17', /from 2 to 16/],
  ['bitWidths', '4,,8', /from 2 to 16/],
  ['bitWidths', '4,8,4', /given twice/],
  ['budget', 'bops=3G', /only the size of the weights is known here\. Give a size .* such as 0\.5\.$/],
  ['pins', 'conv1', /A layer and its bits are expected, such as conv1=8/],
  ['pins', 'conv1=x', /A bit width is expected/],
  ['budget', '8 apples', /unknown unit 'apples'.*Give a size such as 8MB/],
];
for (const [reader, text, message] of bad) {
  test(`${reader} refuses '${text}'`, () => {
    assert.throws(
      () => read[reader](text),
      (error: unknown) => error instanceof InvalidArgumentError && message.test(error.message),
    );
  });
}
