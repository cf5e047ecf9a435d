import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parseReport, stringifyReport } from '../../../src/engine/report/json';
import { reportJsonSchema } from '../../../src/engine/report/jsonSchema';
import { type Report } from '../../../src/engine/report/schema';
import { curvatureError } from '../../support/assertions';
import { sampleReport } from '../../support/report';

test('a report comes back as it went', () => {
  const report = sampleReport();
  const text = stringifyReport(report);
  assert.deepEqual(parseReport(text), report);
  assert.ok(text.endsWith('}\n'));
});

test('equal reports give equal bytes, whatever the order of their keys', () => {
  const report = sampleReport();
  const reversed = Object.fromEntries(Object.entries(report).reverse()) as Report;
  assert.notEqual(JSON.stringify(reversed), JSON.stringify(report));
  assert.equal(stringifyReport(reversed), stringifyReport(report));
});

test('numbers that JSON has no word for are not written', () => {
  for (const loss of [NaN, Infinity])
    assert.throws(() => stringifyReport({ ...sampleReport(), loss }), /loss/);
});

/** The sample as plain JSON, changed by hand. */
function changed(change: (report: Record<string, never>) => void): string {
  const report = JSON.parse(JSON.stringify(sampleReport())) as Record<string, never>;
  change(report);
  return JSON.stringify(report);
}
const put = (path: (string | number)[], value: unknown): string =>
  changed(report => {
    let at = report as unknown as Record<string | number, unknown>;
    for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>;
    at[path[path.length - 1]] = value;
  });

const refused: [string, string, RegExp][] = [
  ['an empty file', '', /not JSON/],
  ['a truncated file', stringifyReport(sampleReport()).slice(0, 300), /not JSON/],
  ['other JSON', '{"a": 1}', /not a Curvature report/],
  ['null', 'null', /not a Curvature report/],
  ['a list', '[]', /not a Curvature report/],
  ['a newer version', put(['version'], 2), /has version 2; this release reads version 1/],
  ['no version', put(['version'], undefined), /has version undefined; this release reads version 1/],
  ['a missing part', put(['model'], undefined), /damaged: model: expected object, found nothing/],
  [
    'a text for a number',
    put(['layers', 1, 'parameters'], '320'),
    /layers\[1\]\.parameters: expected number, found "320"/,
  ],
  [
    'a status that there is not',
    put(['layers', 0, 'status'], 'done'),
    /layers\[0\]\.status: expected "analysed" or "not-reached" or "pending", found "done"/,
  ],
  [
    'a negative error',
    put(['layers', 0, 'trace', 'ggn', 'stderr'], -1),
    /layers\[0\]\.trace\.ggn\.stderr: expected at least 0, found -1/,
  ],
  [
    'a null for a number',
    put(['layers', 0, 'sensitivity', '4'], null),
    /layers\[0\]\.sensitivity\.4: expected number, found null/,
  ],
  [
    'a fraction of a bit',
    put(['frontier', 1, 'bits', 0], 2.5),
    /frontier\[1\]\.bits\[0\]: expected int, found 2\.5/,
  ],
  [
    'a wreck',
    changed(report =>
      Object.keys(report).forEach(key => key !== 'format' && key !== 'version' && delete report[key]),
    ),
    /createdAt: expected string, found nothing; complete: .*; tool: .*; and \d+ more problems/,
  ],
];
for (const [what, text, message] of refused) {
  test(`refuses ${what}`, () => {
    assert.throws(() => parseReport(text), curvatureError('report-invalid', message));
  });
}

test('the published JSON schema is the one that reports are checked against', () => {
  const published = readFileSync(path.resolve('media/report.schema.json'), 'utf8');
  assert.equal(
    published,
    reportJsonSchema(),
    'write the output of reportJsonSchema() to media/report.schema.json',
  );
  const schema = JSON.parse(published) as { required: string[]; properties: Record<string, unknown> };
  assert.ok(['layers', 'frontier', 'settings'].every(key => key in schema.properties));
  // A report without a budget yet says null; only what may be left out isn't required.
  assert.ok(schema.required.includes('budget') && !schema.required.includes('stopped'));
});
