import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { renderHtml } from '../../../src/cli/html';
import { parseReport, type Report, stringifyReport } from '../../../src/engine';
import { type TrustReport, trustSchema } from '../../../src/engine/report/trust';

const cli = path.resolve(__dirname, '../../../dist/cli.js');
const sample = path.resolve(__dirname, '../../../media/sample/digits_cnn.onnx');
const folder = mkdtempSync(path.join(tmpdir(), 'curvature-into-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const run = (...parameters: string[]) =>
  spawnSync(process.execPath, [cli, ...parameters], { cwd: folder, encoding: 'utf8', timeout: 120_000 });
const few = ['--data', sample.replace('.onnx', '.npz'), '--samples', '16', '--ep', 'cpu'];
const file = path.join(folder, 'r.curvature.json');
const trustOf = (text: string): TrustReport => trustSchema.parse(JSON.parse(text));
const read = (): Report => parseReport(readFileSync(file, 'utf8'));

before(() => {
  const { status, stderr } = run('analyze', sample, ...few, '--eigenvalues', '0', '--out', file);
  assert.equal(status, 0, stderr);
});

test('what commands measure is put into a report that stays as it was', () => {
  const report = read();
  const studies = [
    ['spectrum', '--steps', '8', '--probes', '2', '--max-products', '12'],
    ['spectrum', '--steps', '8', '--probes', '2', '--max-products', '12', '--layer', 'conv*'],
    ['coupling', '--probes', '2'],
    ['stability', '--lr', '0.1', '--batch-size', '4', '--batches', '2'],
    ['trust', '--bits', '4'],
  ];
  for (const [command, ...settings] of studies) {
    const { status, stderr } = run(command, sample, ...few, ...settings, '--into', file);
    assert.equal(status, 0, stderr);
  }
  const { studies: found, ...rest } = read();
  assert.deepEqual(rest, report);
  assert.deepEqual(
    found?.spectra?.map(({ settings }) => settings.isWhole),
    [true, false],
  );
  assert.equal(found?.coupling?.layers.length, report.layers.length);
  assert.equal(found?.stability?.training.learningRate, 0.1);
  assert.deepEqual(
    found?.trust?.layers.map(({ name }) => name),
    report.layers.map(({ name }) => name),
  );
});

test('the same spectrum again takes the place of the old one', () => {
  const { status } = run('spectrum', sample, ...few, '--steps', '9', '--probes', '2', '--into', file);
  assert.equal(status, 0);
  const steps = read().studies?.spectra?.map(({ settings }) => [settings.isWhole, settings.steps]);
  assert.deepEqual(steps, [
    [false, 8],
    [true, 9],
  ]);
});

test('what is cut short is put in as such, takes no whole one’s place, and goes on from beside the report', () => {
  const own = path.join(folder, 'cut.curvature.json');
  const { studies: _, ...bare } = read();
  writeFileSync(own, stringifyReport(bare));
  const trust = (...more: string[]) => run('trust', sample, ...few, '--bits', '4,8', '--into', own, ...more);
  const found = () => parseReport(readFileSync(own, 'utf8')).studies?.trust;

  const cut = trust('--for', '0.001s');
  assert.equal(cut.status, 0, cut.stderr);
  assert.match(cut.stdout, /stopped before it was through/);
  assert.match(cut.stderr, /note: 0 of \d layers are measured at all widths[^]*hint: --resume goes on/);
  assert.equal(found()?.complete, false);
  assert.equal(found()?.layers[0].steps.length, 1);
  const page = renderHtml(parseReport(readFileSync(own, 'utf8')), { script: '', style: '' });
  assert.match(page, /curvature-trust/);

  const rest = trust('--resume');
  assert.equal(rest.status, 0, rest.stderr);
  assert.match(rest.stderr, /note: 1 probes were kept/);
  const whole = found();
  assert.equal(whole?.complete, true);
  assert.deepEqual(
    whole.layers,
    trustOf(run('trust', sample, ...few, '--bits', '4,8', '--json').stdout).layers,
  );

  const again = trust('--for', '0.001s');
  assert.match(again.stderr, /keeps the whole result that it has/);
  assert.deepEqual(found(), whole);
});

test('a report that is none, or of another model, is refused', () => {
  writeFileSync(path.join(folder, 'no.json'), '{}');
  const no = run('coupling', sample, ...few, '--into', 'no.json');
  assert.equal(no.status, 2, no.stderr);
  assert.match(no.stderr, /error: 'no\.json': This is not a Curvature report/);
  const missing = run('coupling', sample, ...few, '--into', 'missing.json');
  assert.equal(missing.status, 2);
  assert.equal(missing.stderr, "error: 'missing.json' can't be read: there is no such file.\n");
  const other = path.join(folder, 'other.curvature.json');
  const report = read();
  writeFileSync(other, JSON.stringify({ ...report, model: { ...report.model, sha256: '0' } }));
  const { status, stdout, stderr } = run('coupling', sample, ...few, '--probes', '2', '--into', other);
  assert.equal(status, 2, stderr);
  assert.match(stderr, /is the report of another model/);
  assert.match(stdout, /\S/, 'the result is printed all the same');
});
