import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LayerReport, Report } from '../../src/engine/report/schema';
import { sortedPositions } from '../../webview/report/layerOrder';
import { bars, measures } from '../../webview/report/measures';
import { verdict } from '../../webview/report/verdict';
import {
  formatBytes,
  formatPercent,
  formatSeconds,
  shorten,
  typesetNumber,
  typesetNumbers,
  withoutCommonScopes,
} from '../../webview/shared/format';
import { logRange } from '../../webview/shared/logRange';
import {
  cancelledState,
  doneState,
  failedState,
  hessianReport,
  idleState,
  runningState,
  smallReport,
} from './fixtures';

const withBits = (bits: readonly (number | null)[]): Report => {
  const report = smallReport();
  return {
    ...report,
    layers: report.layers.slice(0, bits.length).map((layer, i) => ({ ...layer, bits: bits[i] ?? null })),
  };
};

const sentence = (state: Parameters<typeof verdict>[0]): string =>
  verdict(state)
    .map(phrase => (typeof phrase === 'string' ? phrase : phrase.layer))
    .join('');

test('the verdict names what needs more bits, and why', () => {
  const cases: [readonly (number | null)[], RegExp][] = [
    [
      [8, 4, 4, 4],
      /^3 of 4 layers stand 4 bits; conv1\.weight needs 8: it carries \d+\u00a0% of the predicted loss increase at 4 bits\.$/,
    ],
    [
      [8, 8, 4, 2],
      /^2 of 4 layers stand 4 bits or fewer; 2 need 8, conv1\.weight most of all: they carry \d+\u00a0% of/,
    ],
    [[8, 4], /^1 of 2 layers stands 4 bits; conv1\.weight needs 8/],
    [[4, 4, 4], /^All 3 layers stand 4 bits\.$/],
    [[4], /^The only layer stands 4 bits\.$/],
    [[null, null], /^No layer could be given a bit width/],
  ];
  for (const [bits, expected] of cases) assert.match(sentence(doneState(withBits(bits))), expected);
});

test('the verdict says what a run that has no result came to', () => {
  assert.match(sentence(idleState), /^Not analysed yet/);
  assert.equal(sentence(runningState()), 'Measuring curvature: 4 of 7 layers so far.');
  assert.match(
    sentence(cancelledState()),
    /^Cancelled with 4 of 7 layers measured; what was measured is kept/,
  );
  assert.equal(sentence(failedState), 'The analysis failed.');
});

test('numbers keep their significant digits, and powers of ten are set as in print', () => {
  const cases: [number, string][] = [
    [0, '0'],
    [0.00123456, '0.00123'],
    [0.000123456, '1.23\u00a0×\u00a010⁻⁴'],
    [-12.345, '−12.3'],
    [12345.6, '12346'],
    [12345678, '1.23\u00a0×\u00a010⁷'],
  ];
  for (const [value, expected] of cases) assert.equal(typesetNumber(value), expected);
  assert.equal(
    typesetNumbers('lr 5e-5, -0.5 (-1.2e+7), not f1e5, layer-1e5, 2025-11-24, --skip 3 or 0.5.'),
    'lr 5\u00a0×\u00a010⁻⁵, −0.5 (−1.2\u00a0×\u00a010⁷), not f1e5, layer-1e5, 2025-11-24, --skip 3 or 0.5.',
  );
  assert.equal(
    typesetNumbers('KL 9.28e-4 ± 0.00027, by -0.5 ± 0.25, 12.3 ± 4.5 %.'),
    'KL (9.3 ± 2.7)\u00a0×\u00a010⁻⁴, by −0.50 ± 0.25, 12.3 ± 4.5 %.',
  );
  assert.equal(
    typesetNumbers('More by 0.001399 ± 0.0039, less by 0.02 ± 0.028; λmax 128 ± 0.000128.'),
    'More by 0.0014 ± 0.0039, less by 0.020 ± 0.028; λmax 128 ± 0.000128.',
    'digits that the error leaves, and none that the sentence does not have',
  );
});

test('sizes, shares and durations read well', () => {
  assert.deepEqual([100, 2048, 1.5e6].map(formatBytes), ['100\u00a0B', '2.05\u00a0KB', '1.50\u00a0MB']);
  assert.deepEqual([0.61, 0.0214, 0.00001, 0].map(formatPercent), [
    '61\u00a0%',
    '2.1\u00a0%',
    '<\u00a00.1\u00a0%',
    '0\u00a0%',
  ]);
  assert.deepEqual([0.25, 9.71, 75, 3725].map(formatSeconds), [
    '250\u00a0ms',
    '9.7\u00a0s',
    '1\u00a0min 15\u00a0s',
    '1\u00a0h 2\u00a0min',
  ]);
});

test('long names keep what tells them apart', () => {
  assert.equal(shorten('encoder.layer.0.attention.query', 15).length, 15);
  assert.deepEqual(withoutCommonScopes(['a.b.0.query.weight', 'a.b.1.key.weight']), ['…0.query', '…1.key']);
  assert.deepEqual(withoutCommonScopes(['conv1.weight', 'fc.weight']), ['conv1', 'fc']);
  assert.deepEqual(withoutCommonScopes(['same', 'same']), ['same', 'same']);
});

test('a logarithmic axis holds every positive bar and ignores ends at or below zero', () => {
  const report = hessianReport();
  const [averageTrace] = measures(report);
  assert.ok(averageTrace);
  const shown = bars(report, averageTrace, true);
  assert.equal(shown.length, report.layers.length);
  assert.ok((shown.at(-1)?.value ?? 0) < 0, 'the negative trace is kept, and comes last by value');
  const { min, max } = logRange(shown);
  assert.ok(min > 0);
  for (const { value } of shown) assert.ok(value <= 0 || (value > min && value < max));
  const [first] = shown;
  assert.ok(first);
  assert.ok(logRange([{ ...first, stderr: 2 * first.value }]).min > 0);
  assert.deepEqual(logRange([]), { min: 0.1, max: 10 });
});

test('layers without a figure come last in either direction', () => {
  const layers = smallReport().layers.slice(0, 3);
  const keys = new Map<LayerReport, number | undefined>(
    layers.map((layer, i) => [layer, [2, undefined, 1][i]]),
  );
  const key = (layer: LayerReport) => keys.get(layer);
  assert.deepEqual(sortedPositions(layers, key, false), [2, 0, 1]);
  assert.deepEqual(sortedPositions(layers, key, true), [0, 2, 1]);
  assert.deepEqual(sortedPositions(layers, undefined, true), [2, 1, 0]);
});
