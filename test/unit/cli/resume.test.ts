import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { parseReport, type Report } from '../../../src/engine';
import { openArrays } from '../../../src/engine/data/npz';
import { studiesSchema } from '../../../src/engine/report/studies';

const cli = path.resolve(__dirname, '../../../dist/cli.js');
const models = path.resolve('test/fixtures/models');
const folder = mkdtempSync(path.join(tmpdir(), 'curvature-resume-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const files = [
  path.join(models, 'vit_digits_legacy.onnx'),
  ...['--data', path.join(models, 'digits_eval.npz')],
];
const common = [
  ...['analyze', ...files],
  ...['--matrix', 'both', '--rtol', '0.0001', '--max-probes', '60', '--eigenvalues', '1', '--ep', 'cpu'],
];
const run = (out: string, ...more: string[]) =>
  spawnSync(process.execPath, [cli, ...common, '--out', path.join(folder, out), ...more], {
    encoding: 'utf8',
    timeout: 120_000,
  });
const reportOf = (out: string): Report => parseReport(readFileSync(path.join(folder, out), 'utf8'));
/** What two runs of the same settings have in common: all but times, and what was free of memory. */
const lasting = ({ timings: _, createdAt: __, memory: ___, ...rest }: Report): Partial<Report> => rest;

test('a run that is killed leaves a report and its probes, and goes on to the same numbers', async () => {
  assert.equal(run('whole.json').status, 0);
  const whole = reportOf('whole.json');
  assert.ok(!existsSync(path.join(folder, 'whole.json.probes')));

  const out = path.join(folder, 'killed.json');
  const probes = `${out}.probes`;
  const killed = spawn(process.execPath, [cli, ...common, '--out', out], { stdio: 'ignore' });
  const ended = new Promise<void>(resolve => killed.once('exit', () => resolve()));
  const lines = (): number => (existsSync(probes) ? readFileSync(probes, 'utf8').split('\n').length - 2 : 0);
  // All 10 columns of the exact GGN and some probes of the Hessian.
  while (lines() < 24 && killed.exitCode === null) await new Promise(resolve => setTimeout(resolve, 5));
  killed.kill('SIGKILL');
  await ended;
  const kept = lines();
  assert.ok(kept >= 24 && kept < 70, `${kept} probes were kept`);
  const partial = reportOf('killed.json');
  assert.equal(partial.complete, false);
  assert.ok(partial.layers.some(l => l.trace.ggn));
  // As if the process had been killed in the middle of a line.
  appendFileSync(probes, '{"key":"0123","index":7,"pro');

  const other = run('killed.json', '--resume', '--seed', '1');
  assert.equal(other.status, 2);
  assert.match(other.stderr, /can't be resumed: seed was 0 and is 1/);

  const resumed = run('killed.json', '--resume');
  assert.equal(resumed.status, 0, resumed.stderr);
  assert.match(resumed.stderr, new RegExp(`note: ${kept} probes were kept`));
  assert.deepEqual(lasting(reportOf('killed.json')), lasting(whole));
  assert.ok(!existsSync(probes));
});

test('resuming without a report is refused; with nothing kept it begins anew', () => {
  const nowhere = spawnSync(process.execPath, [cli, ...common, '--resume'], { encoding: 'utf8' });
  assert.equal(nowhere.status, 2);
  assert.match(nowhere.stderr, /no report is named/);
  const anew = run('anew.json', '--resume', '--matrix', 'ggn', '--eigenvalues', '0', '--samples', '8');
  assert.equal(anew.status, 0);
  assert.match(anew.stderr, /note: 0 probes were kept/);
});

/** Sizes of the files of products. */
const productSizes = (probes: string): number[] =>
  existsSync(`${probes}.products`)
    ? readdirSync(`${probes}.products`).flatMap(file => {
        const at = path.join(`${probes}.products`, file);
        return existsSync(at) ? [statSync(at).size] : [];
      })
    : [];
const linesOf = (file: string): number =>
  existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0;

const ROWS = 5018;
interface Case {
  readonly name: string;
  readonly args: readonly string[];
  /** Where the run is killed, by what it has kept. */
  readonly isFarEnough: (probes: string) => boolean;
  /** What it measures; the ViT's fixture where absent. */
  readonly of?: readonly string[];
  /** Whether there is something to read by then. */
  readonly reads?: boolean;
}

const mlps = ['legacy', 'qdq_int8'].map(kind => path.join(models, `mlp_digits_${kind}.onnx`));
const ofMlps = ['--model', ...mlps, ...files.slice(1), '--layer', '*.weight'];
const training = [
  '--lr',
  '0.1',
  '--batch-size',
  '8',
  '--momentum',
  '0.9',
  '--optimizer',
  'sgd',
  '--batches',
  '4',
];
const cases: readonly Case[] = [
  {
    name: 'spectrum',
    args: ['--samples', '128', '--steps', '30', '--probes', '4', '--rtol', '0.001', '--cross-check'],
    // The fingerprint, the trace, two start vectors, and some products of the third.
    isFarEnough: probes => linesOf(probes) >= 4 && productSizes(probes).length >= 2,
  },
  {
    name: 'spectrum',
    args: ['--samples', '128', '--steps', '30', '--probes', '2', '--rtol', '0.001'],
    // In the middle of the trace.
    isFarEnough: probes => productSizes(probes).some(size => size >= 8 * ROWS * 30),
  },
  {
    name: 'coupling',
    args: ['--samples', '64', '--probes', '8'],
    isFarEnough: probes => linesOf(probes) >= 40,
  },
  {
    name: 'coupling',
    args: ['--samples', '64', '--probes', '8'],
    // A single vector on some layers has no error.
    isFarEnough: probes => linesOf(probes) >= 4,
    reads: false,
  },
  {
    name: 'stability',
    args: ['--samples', '64', ...training],
    // The fingerprint, the trace, two start vectors, and three batches.
    isFarEnough: probes => linesOf(probes) >= 7,
  },
  {
    name: 'stability',
    args: ['--samples', '64', ...training],
    // In the middle of the second start vector.
    isFarEnough: probes => linesOf(probes) >= 3 && productSizes(probes).some(size => size > 8 * ROWS * 10),
  },
  {
    name: 'trust',
    args: ['--samples', '64', '--bits', '2,4,8'],
    // The fingerprint, and one step of the second layer.
    isFarEnough: probes => linesOf(probes) >= 5,
  },
  {
    name: 'trust',
    args: ['--samples', '64', '--bits', '2,4,8'],
    isFarEnough: probes => linesOf(probes) >= 14,
  },
  {
    name: 'saliency',
    args: ['--samples', '64', '--gradients', '16', '--sparsity', '0.5', '--bits', '3'],
    isFarEnough: probes => linesOf(probes) >= 2,
  },
  {
    name: 'saliency',
    args: ['--samples', '64', '--gradients', '16', '--sparsity', '0.5', '--bits', '3'],
    isFarEnough: probes => linesOf(probes) >= 5,
  },
  {
    name: 'compare',
    of: ofMlps,
    args: ['--samples', '64', '--count', '3'],
    // In the middle of the first side.
    isFarEnough: probes => productSizes(probes).some(size => size > 8 * 3392 * 5),
  },
  {
    name: 'compare',
    of: ofMlps,
    args: ['--samples', '64', '--count', '3'],
    // In the middle of their difference.
    isFarEnough: probes => productSizes(probes).length === 3 && productSizes(probes).every(size => size > 0),
  },
  {
    name: 'diagonal',
    args: ['--samples', '64', '--max-probes', '60'],
    isFarEnough: probes => productSizes(probes).some(size => size > 8 * ROWS * 20),
  },
];

/** A result but for times, and for what was free of memory. */
function numbersOf(out: string): unknown {
  if (out.endsWith('.npz')) {
    const arrays = openArrays(readFileSync(out), out);
    return arrays.names.map(name => [name, arrays.read(name)]);
  }
  const { timings, memory: _, ...rest } = JSON.parse(readFileSync(out, 'utf8')) as Record<string, unknown>;
  assert.ok(timings);
  return rest;
}

/** What a killed run has left says of itself that it is not whole, and is in the schema of whole ones. */
function requireReadable(name: string, out: string): void {
  if (name === 'diagonal') {
    const arrays = openArrays(readFileSync(out), out);
    assert.ok(arrays.names.includes('incomplete'));
    assert.ok(arrays.names.some(one => one.endsWith('/stderr')));
    return;
  }
  const found = JSON.parse(readFileSync(out, 'utf8')) as { complete: boolean };
  assert.equal(found.complete, false);
  if (name !== 'saliency' && name !== 'compare')
    studiesSchema.strict().parse(name === 'spectrum' ? { spectra: [found] } : { [name]: found });
}

for (const [i, { name, args, of: measured = files, isFarEnough, reads = true }] of cases.entries()) {
  test(`${name}, killed at a moment of its own (${i}), goes on to the same numbers`, async () => {
    const extension = name === 'diagonal' ? 'npz' : 'json';
    // Cases that differ in where they are killed alone share one run that is not.
    const first = cases.findIndex(one => one.name === name && one.args.join() === args.join());
    const whole = path.join(folder, `${name}-${first}-whole.${extension}`);
    const out = path.join(folder, `${name}-${i}-killed.${extension}`);
    const arguments_ = (out: string): string[] => [
      ...[cli, name, ...measured, ...args],
      ...['--ep', 'cpu', '--out', out],
    ];
    const finish = (out: string, ...more: string[]) =>
      spawnSync(process.execPath, [...arguments_(out), ...more], { encoding: 'utf8', timeout: 120_000 });
    if (!existsSync(whole)) assert.equal(finish(whole).status, 0);

    const probes = `${out}.probes`;
    const killed = spawn(process.execPath, arguments_(out), { stdio: 'ignore' });
    const ended = new Promise<void>(resolve => killed.once('exit', () => resolve()));
    while (!(isFarEnough(probes) && (!reads || existsSync(out))) && killed.exitCode === null)
      await new Promise(resolve => setTimeout(resolve, 2));
    killed.kill('SIGKILL');
    await ended;
    assert.ok(existsSync(probes), 'the run was through before it was killed');
    if (reads) requireReadable(name, out);
    // As if the process had been killed in the middle of a line, and of a product.
    appendFileSync(probes, '{"name":"trace","pa');
    for (const file of existsSync(`${probes}.products`) ? readdirSync(`${probes}.products`) : [])
      appendFileSync(path.join(`${probes}.products`, file), Buffer.alloc(12));

    const other = finish(out, '--resume', '--seed', '1');
    assert.equal(other.status, 2);
    assert.match(other.stderr, /can't be resumed: seed was 0 and is 1/);
    assert.doesNotMatch(other.stderr, /--resume goes on/);

    const resumed = finish(out, '--resume');
    assert.equal(resumed.status, 0, resumed.stderr);
    assert.match(resumed.stderr, /note: [1-9]\d* probes were kept/);
    assert.deepEqual(numbersOf(out), numbersOf(whole));
    assert.ok(!existsSync(probes) && !existsSync(`${probes}.products`));
  });
}
