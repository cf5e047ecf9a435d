import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import type { StabilityReport } from '../../../src/engine';

const cli = path.resolve(__dirname, '../../../dist/cli.js');
const models = path.resolve('test/fixtures/models');
const folder = mkdtempSync(path.join(tmpdir(), 'curvature-training-'));
const beside = path.join(folder, 'models');
mkdirSync(beside);
copyFileSync(path.join(models, 'mlp_digits_legacy.onnx'), path.join(beside, 'mlp.onnx'));
after(() => rmSync(folder, { recursive: true, force: true }));

const run = (...parameters: string[]) =>
  spawnSync(process.execPath, [cli, ...parameters], { cwd: folder, encoding: 'utf8', timeout: 60_000 });
const stability = (...parameters: string[]) =>
  run(
    ...['stability', path.join('models', 'mlp.onnx'), '--data', path.join(models, 'digits_eval.npz')],
    ...['--samples', '8', '--batches', '2', '--layer', 'fc3.*', '--ep', 'cpu', '--json', ...parameters],
  );
const trainingOf = (stdout: string): StabilityReport['training'] =>
  (JSON.parse(stdout) as StabilityReport).training;

test('training settings: asked for, kept beside the model, and overridden by flags', () => {
  const without = stability();
  assert.equal(without.status, 2);
  assert.match(
    without.stderr,
    /error: The training settings lack --lr and --batch-size\.\nhint: .*curvature\.json/,
  );

  const file = path.join(beside, 'curvature.json');
  const given = stability('--lr', '0.1', '--batch-size', '4');
  assert.equal(given.status, 0, given.stderr);
  assert.deepEqual(trainingOf(given.stdout), {
    learningRate: 0.1,
    batchSize: 4,
    momentum: 0,
    optimizer: 'sgd',
  });
  assert.ok(!existsSync(file));

  // Settings of other kinds stay in the file.
  writeFileSync(file, JSON.stringify({ $schema: 'x', training: { batchSize: 2 } }));
  assert.equal(stability('--lr', '0.1', '--momentum', '0.9', '--save').status, 0);
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), {
    $schema: 'x',
    training: { optimizer: 'sgd', momentum: 0.9, batchSize: 2, learningRate: 0.1 },
  });
  const overridden = stability('--lr', '0.2', '--optimizer', 'nesterov');
  assert.deepEqual(trainingOf(overridden.stdout), {
    learningRate: 0.2,
    batchSize: 2,
    momentum: 0.9,
    optimizer: 'nesterov',
  });

  rmSync(file);
  writeFileSync(
    path.join(folder, 'curvature.json'),
    JSON.stringify({ training: { learningRate: 0.01, batchSize: 4, optimizer: 'adam' } }),
  );
  assert.deepEqual(trainingOf(stability().stdout), {
    learningRate: 0.01,
    batchSize: 4,
    momentum: 0.9,
    optimizer: 'adam',
  });
});

test('a damaged project file is named', () => {
  writeFileSync(path.join(folder, 'curvature.json'), '{ "training": { "momentum": 1 } }');
  const { status, stderr } = stability('--lr', '0.1', '--batch-size', '4');
  assert.equal(status, 2);
  assert.match(stderr, /error: 'curvature\.json': training\.momentum: /);
});

test('a project file that is a folder is told', () => {
  const file = path.join(folder, 'curvature.json');
  rmSync(file, { force: true });
  mkdirSync(file);
  const { status, stderr } = stability('--lr', '0.1', '--batch-size', '4');
  rmSync(file, { recursive: true });
  assert.equal(status, 2);
  assert.equal(stderr, "error: 'curvature.json' can't be read: it is a folder.\n");
});

const refused: [string[], RegExp][] = [
  [['compare'], /Two reports are expected, 0 given/],
  [['trust', 'm.onnx', '--out', ''], /'' can't be written: it is a folder/],
  [['trust', 'm.onnx', '--out', 'none/t.json'], /can't be written: there is no folder 'none'/],
  [['compare', 'a.json', 'b.json'], /'a\.json' can't be read/],
  [['compare', '--model', 'a.onnx', '--data', 'a.npz'], /of two models, or of one model on two sets of data/],
  [['stability', 'm.onnx', '--momentum', '1'], /A number from 0 to below 1 is expected/],
  [['coupling', 'm.onnx', '--probes', '1'], /A whole number of at least 2/],
  [['trust', 'm.onnx', '--bits', '1'], /A whole number from 2 to 16/],
];
for (const [parameters, message] of refused) {
  test(`curvature ${parameters.join(' ')} is refused`, () => {
    const { status, stderr } = run(...parameters);
    assert.equal(status, 2);
    assert.match(stderr, message);
  });
}
