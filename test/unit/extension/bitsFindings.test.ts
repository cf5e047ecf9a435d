import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bitsFindings,
  findingText,
  ratedWidths,
  tooFewBits,
  withEnoughBits,
} from '../../../src/extension/bits/findings';
import { readBitsDocument } from '../../../src/extension/bits/document';
import { widthMarkdown } from '../../../src/extension/bits/markdown';
import { trustOf } from '../../browser/studiesFixture';
import { aLayer, aReport } from '../../support/vscode/reports';

/** Ω at 2 bits: 16, 1, 1 and 0.25; each further bit quarters it. */
const report = aReport([aLayer('a', 16, 8), aLayer('b', 1, 4), aLayer('c', 1, 2), aLayer('d', 0.25, 2)]);

test('shares are of the loss that the file’s own widths are predicted to cost', () => {
  const rated = ratedWidths({ a: 4, b: 2, c: 32, d: 2 }, report);
  assert.deepEqual(
    rated.map(({ layer, share }) => [layer.name, share]),
    [
      ['a', 1 / 2.25],
      ['b', 1 / 2.25],
      ['d', 0.25 / 2.25],
    ],
  );
});

test('a width is too small where it carries a tenth and the suggestion is wider', () => {
  const few = tooFewBits({ a: 4, b: 4, c: 4, d: 2 }, report);
  // a carries 1 of 1.375, and its suggestion is 8; d carries 0.25, and no choice of this size is better.
  assert.deepEqual(
    few.map(({ width, use }) => [width.layer.name, use]),
    [['a', 8]],
  );
});

test('or where the same bytes spent otherwise give it more', () => {
  const even = aReport([aLayer('a', 16, 2), aLayer('b', 0.001, 2)]);
  // Both layers have the same sizes, so the bytes of b's 8 bits do far more good in a.
  assert.deepEqual(
    tooFewBits({ a: 2, b: 8 }, even).map(({ width, use }) => [width.layer.name, use]),
    [['a', 8]],
  );
  assert.deepEqual(tooFewBits({ a: 2, b: 2 }, even), []);
});

test('fixing all leaves nothing to fix, and takes no bits away', () => {
  const bits = { a: 2, b: 2, c: 2, d: 2 };
  const enough = withEnoughBits(bits, report);
  assert.deepEqual(tooFewBits(enough, report), []);
  for (const [name, width] of Object.entries(bits)) assert.ok((enough[name] ?? 0) >= width);
  assert.equal(enough.a, 8);
});

test('names that no layer has are told with the nearest, widths without a figure with those that have one', () => {
  const found = bitsFindings({ aa: 4, b: 5, c: 32 }, report);
  assert.deepEqual(found, [
    { kind: 'unknown-layer', layer: 'aa', nearest: 'a' },
    { kind: 'width-not-measured', layer: 'b', measured: [2, 3, 4, 8], suggested: 4 },
  ]);
  assert.equal(findingText(found[0], 4), 'The report has no layer aa; did you mean a?');
  assert.equal(findingText(found[1], 5), 'b: the report has no figure for 5 bits; it has 2, 3, 4, 8.');
  const [few] = bitsFindings({ a: 2 }, report);
  assert.equal(
    findingText(few, 2),
    'a: 2 bits carry 100 % of the predicted loss increase of these widths; it needs 8.',
  );
});

test('a negative Hessian trace costs nothing', () => {
  const negative = aReport([aLayer('a', -4, 2), aLayer('b', 1, 8)]);
  assert.deepEqual(
    ratedWidths({ a: 2, b: 2 }, negative).map(({ share }) => share),
    [0, 1],
  );
});

test('a file that is being typed is read as far as it goes', () => {
  const text = '{\n  "model": "net.onnx",\n  "bits": {\n    "conv.weight": 4,\n    "fc": \n  }\n';
  const { model, report: named, entries, heading } = readBitsDocument(text);
  assert.deepEqual([model, named], ['net.onnx', undefined]);
  assert.deepEqual(
    entries.map(({ layer, bits }) => [layer, bits]),
    [['conv.weight', 4]],
  );
  const [{ name, value, whole }] = entries;
  const cut = ({ offset, length }: { offset: number; length: number }) => text.slice(offset, offset + length);
  assert.deepEqual([cut(name), cut(value), cut(whole)], ['"conv.weight"', '4', '"conv.weight": 4']);
  assert.equal(heading && cut(heading), '"bits"');
  assert.deepEqual(readBitsDocument('').entries, []);
  assert.deepEqual(readBitsDocument('[1]').entries, []);
  assert.deepEqual(readBitsDocument('{"bits": {"a": "x"}}').entries[0]?.bits, undefined);
});

test('a hover tells the share, and what the layer needs once', () => {
  const text = widthMarkdown('a', { a: 4, b: 4, c: 4, d: 2 }, report) ?? '';
  assert.match(
    text,
    /^\*\*a\*\* at 4 bits\n\n73 % of the predicted loss increase of these widths · Ω 1 ± 0\.025 · 176 B/,
  );
  assert.match(text, /\n\nIt needs \*\*8 bits\*\*\.\n\nTrace \*\*12\.\d+ ± 0\.31\*\* \(16 draws\)$/);
  assert.match(
    widthMarkdown('a', { a: 32 }, report) ?? '',
    /^\*\*a\*\* at float32\n\nSuggested: \*\*8 bits\*\*\./,
  );
  assert.equal(widthMarkdown('nobody', { nobody: 4 }, report), undefined);
});

test('a width whose sensitivity should not be believed is told, with the next one that may be', () => {
  const trusted = { ...report, studies: { trust: trustOf(report) } };
  const [found, ...others] = bitsFindings({ a: 8, b: 4, c: 4, d: 3 }, trusted);
  assert.deepEqual([found.kind, found.layer, others], ['untrusted-width', 'b', []]);
  assert.equal(
    findingText(found, 4),
    'b: at 4 bits the second-order model is off at the end of the step to these weights (the loss changes by 0.035 there, 0.02 is predicted); at 8 bits it holds.',
  );
  assert.match(
    widthMarkdown('b', { b: 4 }, trusted) ?? '',
    /\n\n⚠ Not trusted: the second-order model is off/,
  );
  assert.doesNotMatch(widthMarkdown('b', { b: 8 }, trusted) ?? '', /⚠/);
});
