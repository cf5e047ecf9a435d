import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import type { ExportSummary, Report } from '../../../src/engine';

const cli = path.resolve(__dirname, '../../../dist/cli.js');
const sample = path.resolve(__dirname, '../../../media/sample/digits_cnn.onnx');
const folder = mkdtempSync(path.join(tmpdir(), 'curvature-quantize-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const run = (...parameters: string[]) =>
  spawnSync(process.execPath, [cli, 'quantize', ...parameters], {
    ...{ cwd: folder, encoding: 'utf8', timeout: 60_000 },
  });
const write = (name: string, content: unknown): string => {
  writeFileSync(path.join(folder, name), JSON.stringify(content));
  return name;
};
const summaryOf = (text: string): ExportSummary => JSON.parse(text) as ExportSummary;

test('one width for all layers: a table, and the file with its size', () => {
  const { status, stdout, stderr } = run(sample, '--width', '8', '-o', 'all.onnx');
  assert.equal(status, 0, stderr);
  const size = statSync(path.join(folder, 'all.onnx')).size;
  assert.match(stdout, /^layer +op +from +to +stored +bytes\n/);
  assert.match(stdout, new RegExp(`\\(${size} bytes; predicted \\d+, off by -?[01]\\.\\d\\d %\\)`));
  assert.match(stderr, /Quantizing [\s\S]*Writing all\.onnx[\s\S]*Loading[\s\S]*Wrote all\.onnx\n$/);
});

test('widths from a file, and what the file leaves out stays in float', () => {
  const [first, second] = summaryOf(run(sample, '--width', '8', '-o', 'x.onnx', '--json').stdout).layers;
  const bits = write('two.bits.json', { bits: { [first.name]: 4, [second.name]: 32 } });
  const { status, stdout } = run(sample, '--bits', bits, '-o', 'two.onnx', '--json');
  assert.equal(status, 0);
  assert.deepEqual(
    summaryOf(stdout).layers.map(l => l.stored),
    summaryOf(stdout).layers.map(l => (l.name === first.name ? 'int4' : null)),
  );
});

test('a budget alone has the model analyzed, and the weights keep to it', () => {
  const data = sample.replace('.onnx', '.npz');
  const { status, stdout, stderr } = run(
    ...[
      sample,
      '--budget',
      '7000B',
      '--data',
      data,
      '--samples',
      '16',
      '--ep',
      'cpu',
      '-o',
      'b.onnx',
      '--json',
    ],
  );
  assert.equal(status, 0, stderr);
  const { layers } = summaryOf(stdout);
  assert.ok(layers.every(l => l.to < 32));
  // Widths of 3 bits are stored in 4, so that only the others count as the budget counts them.
  const counted = layers.map(l => l.bytes - (l.to === 3 ? Math.floor(l.parameters / 8) : 0));
  assert.ok(counted.reduce((sum, bytes) => sum + bytes, 0) <= 7000 + layers.length);
  const none = run(sample, '--budget', '10B', '--samples', '4', '--ep', 'cpu', '-o', 'none.onnx');
  assert.equal(none.status, 3);
  assert.match(
    none.stderr,
    /error: The budget of 10 bytes can't be met: .* take \d+\.\nhint: Nothing was written\./,
  );
  assert.ok(!existsSync(path.join(folder, 'none.onnx')));
});

test('a report gives its suggested widths, or the best ones within another budget', () => {
  const data = sample.replace('.onnx', '.npz');
  const few = ['--samples', '16', '--ep', 'cpu', '--eigenvalues', '0', '--bits', '4,8'];
  const report = path.join(folder, 'r.curvature.json');
  const analyzed = spawnSync(process.execPath, [cli, 'analyze', sample, '-d', data, ...few, '--out', report]);
  assert.equal(analyzed.status, 0);
  const suggested = (JSON.parse(readFileSync(report, 'utf8')) as Report).layers.map(l => l.bits);
  const own = run(sample, '--report', report, '-o', 'r.onnx', '--json');
  assert.deepEqual(
    summaryOf(own.stdout).layers.map(l => l.to),
    suggested,
  );
  const all8 = run(sample, '--report', report, '--budget', '1', '-o', 'r.onnx', '--json');
  assert.ok(summaryOf(all8.stdout).layers.every(l => l.to === 8));
  assert.equal(run(sample, '--report', report, '--budget', '10B', '-o', 'r.onnx').status, 3);
});

test('scales are shared as the report says, by way of a file of widths as well', () => {
  const few = ['--samples', '16', '--ep', 'cpu', '--eigenvalues', '0', '--bits', '4,8'];
  for (const granularity of ['channel', 'tensor', 'auto']) {
    const file = path.join(folder, `${granularity}.curvature.json`);
    const how = [...few, '--granularity', granularity, '--out', file];
    spawnSync(process.execPath, [cli, 'analyze', sample, '-d', sample.replace('.onnx', '.npz'), ...how]);
    const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
    assert.equal(report.settings.granularity, granularity);
    const { layers } = summaryOf(run(sample, '--report', file, '-o', 'a.onnx', '--json').stdout);
    assert.deepEqual(
      layers.map(l => l.bytes),
      report.layers.map(l => l.sizeBytes[l.bits!]),
    );
    const kinds = report.layers.map(l => l.granularity!['4']);
    assert.equal(new Set(kinds).size, granularity === 'auto' ? 2 : 1);
    const chosen = spawnSync(process.execPath, [cli, 'allocate', file, '--json'], { encoding: 'utf8' });
    const bits = write('chosen.bits.json', JSON.parse(chosen.stdout));
    run(sample, '--bits', bits, '-o', 'b.onnx');
    const [a, b] = ['a.onnx', 'b.onnx'].map(name => readFileSync(path.join(folder, name)));
    assert.ok(a.equals(b));
  }
  const bits = write('one.bits.json', { granularity: 'tensor', bits: { 'conv2.weight': 4 } });
  const bytesOf = (...flags: string[]) =>
    summaryOf(run(sample, '--bits', bits, ...flags, '-o', 'c.onnx', '--json').stdout).layers.find(
      l => l.name === 'conv2.weight',
    )!.bytes;
  assert.equal(bytesOf(), 4608 / 2 + 4);
  assert.equal(bytesOf('--granularity', 'channel'), 4608 / 2 + 4 * 32);
});

test('a recipe is written in place of the model', () => {
  const { status } = run(sample, '--width', '4', '--recipe', 'ort', '-o', 'recipe.json');
  assert.equal(status, 0);
  const recipe = JSON.parse(readFileSync(path.join(folder, 'recipe.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  assert.deepEqual(Object.keys(recipe), ['nodes_to_exclude', 'extra_options']);
});

const bad: [string[], RegExp][] = [
  [['-o', 'y.onnx'], /error: Nothing says how wide[\s\S]*hint: Give --bits FILE/],
  [['--width', '4', '--budget', '4bits', '-o', 'y.onnx'], /error: --width and --budget both say/],
  [['--width', '17', '-o', 'y.onnx'], /argument '17' is invalid\. A whole number from 2 to 16/],
  [['--width', '4'], /required option '-o, --output <file>' not specified/],
  [['--width', '4', '--format', 'gguf', '-o', 'y.onnx'], /Allowed choices are qdq, matmulnbits, auto/],
  [
    ['--width', '4', '--symmetric', '--asymmetric', '-o', 'y.onnx'],
    /cannot be used with option '--symmetric'/,
  ],
  [['--bits', 'missing.json', '-o', 'y.onnx'], /error: 'missing\.json' can't be read/],
  [['--width', '4', '-o', sample], /is what the model is read from/],
];
for (const [parameters, message] of bad) {
  test(`'quantize sample ${parameters.join(' ').replace(sample, 'sample')}' is bad usage`, () => {
    const { status, stdout, stderr } = run(sample, ...parameters);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /^ {4}at /m);
    assert.deepEqual([status, stdout], [2, '']);
  });
}
