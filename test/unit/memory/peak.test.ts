import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { Workspace } from '../../support/models';
import { convolutional, transformer } from './models';

const workspace = new Workspace();
after(() => workspace.remove());

const program = path.join(__dirname, 'main.js');
const cases = [
  ['a small residual network', path.resolve('test/fixtures/models/resnet_mnist_legacy.onnx'), 64],
  ['a convolutional network', workspace.model('conv.onnx', convolutional()), 64],
  ['a transformer', workspace.model('transformer.onnx', transformer()), 16],
] as const;

/** What a process holds before it has read a model, by measurement. */
const START = 59e6;

describe('the peak of memory is predicted within 30 %', () => {
  for (const [name, file, batch] of cases) {
    for (const kind of ['hessian', 'forms']) {
      test(`${name}, ${kind}`, () => {
        const output = execFileSync(process.execPath, [program, file, String(batch), kind], {
          encoding: 'utf8',
        });
        const { predicted, measured } = JSON.parse(output) as { predicted: number; measured: number };
        const ratio = (predicted - START) / (measured - START);
        assert.ok(
          ratio > 0.7 && ratio < 1.3,
          `predicted ${(predicted / 1e6).toFixed()} MB, measured ${(measured / 1e6).toFixed()} MB, less ${START / 1e6} at the start`,
        );
      });
    }
  }
});
