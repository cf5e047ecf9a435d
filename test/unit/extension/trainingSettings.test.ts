import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Training } from '../../../src/engine/training/optimizers';
import { completed } from '../../../src/engine/training/settings';
import { verdict } from '../../../src/engine/training/verdict';
import { readProjectDocument, replacements } from '../../../src/extension/project/document';
import { trainingFindings, trainingFixes } from '../../../src/extension/project/findings';
import { trainingMarkdown } from '../../../src/extension/project/markdown';
import { aStability } from '../../support/stability';

const study = aStability();
const models = [{ name: 'resnet8.onnx', study }];
const settings = (learningRate: number, changed: Partial<Training> = {}): Training => ({
  ...{ learningRate, batchSize: 16, momentum: 0, optimizer: 'sgd' },
  ...changed,
});

/** A project's text after these settings were written into it. */
function written(text: string, changed: Partial<Training>): string {
  const all = [...replacements(readProjectDocument(text), changed)].sort(
    (a, b) => b.where.offset - a.where.offset,
  );
  return all.reduce(
    (now, { where, text: by }) => now.slice(0, where.offset) + by + now.slice(where.offset + where.length),
    text,
  );
}

test('settings are read from what is there, and those that make no sense left out', () => {
  const text = '{ "training": { "learningRate": 0.1, "batchSize": -3, "other": 1, "momentum": ';
  const { training, entries } = readProjectDocument(text);
  assert.deepEqual(training, { learningRate: 0.1 });
  assert.deepEqual(
    entries.map(({ setting, whole }) => [setting, text.slice(whole.offset, whole.offset + whole.length)]),
    [
      ['learningRate', '"learningRate": 0.1'],
      ['batchSize', '"batchSize": -3'],
    ],
  );
  for (const broken of ['', '{', '[]', '{ "training": 3 }']) {
    assert.deepEqual(readProjectDocument(broken).entries, []);
  }
});

test('settings are changed where they stand, and new ones put behind the last in the same layout', () => {
  const spread = '{\n  "training": {\n    "batchSize": 8,\n    "learningRate": 1 // once\n  }\n}\n';
  assert.equal(
    written(spread, { learningRate: 0.1, momentum: 0.9, optimizer: 'sgd' }),
    '{\n  "training": {\n    "batchSize": 8,\n    "learningRate": 0.1,\n    "momentum": 0.9,\n    "optimizer": "sgd" // once\n  }\n}\n',
  );
  const tight = '{"training":{"learningRate":1,"batchSize":8}}';
  assert.equal(
    written(tight, { learningRate: 1, momentum: 0.5 }),
    '{"training":{"learningRate":1,"batchSize":8, "momentum": 0.5}}',
  );
});

test('findings are the verdict on the settings in the file, by model; none where training is stable', () => {
  assert.deepEqual(trainingFindings(settings(0.1), models), []);
  const [unstable] = trainingFindings(settings(0.25), models);
  assert.equal(unstable?.severity, 'error');
  assert.match(
    unstable?.message ?? '',
    /^resnet8\.onnx: SGD at lr 0\.25 is linearly unstable here: λmax 10 ± 0\.001 > 8\./,
  );
  assert.equal(trainingFindings(settings(0.19), models)[0]?.severity, 'warning');
  assert.deepEqual(trainingFindings(settings(0.19, { batchSize: 2048 }), models), []);
  const [other] = trainingFindings(settings(0.19, { optimizer: 'adam' }), models);
  assert.equal(other?.code, 'not-measured');
  assert.match(other?.message ?? '', /measured for SGD, and Adam sees another matrix/);
});

test('each fix makes training stable on every model, and written into the file leaves nothing to say', () => {
  const steep = { name: 'steep.onnx', study: aStability({ largest: 50, trace: 300 }) };
  for (const given of [models, [...models, steep]]) {
    const now = settings(0.19);
    const fixes = trainingFixes(now, given);
    assert.match(fixes[0]?.title ?? '', /^Set the learning rate to 0\.\d+ \(stable\)$/);
    assert.ok(fixes.some(({ changes }) => 'momentum' in changes));
    const text = JSON.stringify({ training: { learningRate: 0.19, batchSize: 16 } });
    for (const { changes } of fixes) {
      const read = completed(readProjectDocument(written(text, changes)).training);
      assert.ok('training' in read);
      for (const model of given) assert.equal(verdict(read.training, model.study).code, 'stable');
      assert.deepEqual(trainingFindings(read.training, given), []);
    }
  }
  assert.deepEqual(trainingFixes(settings(0.1), models), []);
  // λmax itself is too large: no batch size helps.
  assert.ok(!trainingFixes(settings(0.25), models).some(({ changes }) => 'batchSize' in changes));
  assert.deepEqual(trainingFixes(settings(1, { optimizer: 'adam' }), models), []);
});

test('hovers say the verdict with its numbers, or what is missing', () => {
  const text = trainingMarkdown(settings(0.19), models);
  assert.match(text, /^\*\*resnet8\\\.onnx\*\*: \*\*Warning\.\*\* SGD at lr 0\.19 may be unstable/);
  assert.match(text, /λmax 10 ± 0\.001 · trace 40 ± 2 · critical batch size 4/);
  assert.match(text, /stable below lr 0\.1684, unstable above 0\.2\. Suggested: lr 0\.\d+, momentum 0\.67\./);
  assert.match(trainingMarkdown({ learningRate: 0.1 }, models), /once batchSize/);
  assert.match(trainingMarkdown(settings(0.1), []), /Measure Stability of Training/);
});
