import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { exitCodeOf } from '../../../src/cli/errors';
import { describeProgress, showProgress } from '../../../src/cli/progress';
import type { Progress } from '../../../src/engine/analysis/hooks';
import { cancelled, CurvatureError } from '../../../src/engine/errors';

const step = (stage: Progress['stage'], fraction: number, more: Partial<Progress> = {}): Progress => ({
  stage,
  fraction,
  message: `${stage} ${fraction}`,
  ...more,
});

function written(isTTY: boolean, steps: readonly Progress[]): string {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 100 }) as unknown as NodeJS.WriteStream;
  const view = showProgress(stream);
  for (const progress of steps) view.update(progress);
  view.stop();
  return String((stream as unknown as PassThrough).read() ?? '');
}

test('in a pipe, a line is written for each stage and each tenth', () => {
  const steps = [
    step('load', 0),
    step('loss', 0.02),
    ...Array.from({ length: 41 }, (_, i) => step('ggn', (5 + i) / 100)),
    step('allocation', 1),
  ];
  assert.equal(
    written(false, steps),
    '  0%  load 0\n  2%  loss 0.02\n  5%  ggn 0.05\n 15%  ggn 0.15\n 25%  ggn 0.25\n 35%  ggn 0.35\n' +
      ' 45%  ggn 0.45\n100%  allocation 1\n',
  );
});

test('on a terminal there is one bar, cleared in the end', () => {
  const text = written(true, [step('load', 0), step('ggn', 0.5, { etaSeconds: 5 })]);
  assert.match(text, /█████/);
  assert.match(text, /50%\s+ggn 0\.5, 5 s left/);
  assert.doesNotMatch(text, /\n[^\n]*\n/);
  assert.equal(written(true, []), '');
});

test('a step is told with its error and the time that is left', () => {
  const base = step('ggn', 0.3, { message: 'draw 3 of 64' });
  assert.equal(describeProgress(base), 'draw 3 of 64');
  assert.equal(describeProgress({ ...base, relativeError: Infinity }), 'draw 3 of 64');
  assert.equal(
    describeProgress({ ...base, relativeError: 0.0678, etaSeconds: 59.2 }),
    'draw 3 of 64, error 6.8 %, 1 min 0 s left',
  );
  assert.equal(describeProgress({ ...base, etaSeconds: 12.1 }), 'draw 3 of 64, 13 s left');
});

test('exit codes tell whose fault it was', () => {
  assert.equal(exitCodeOf(new CurvatureError('data-mismatch', '')), 2);
  assert.equal(exitCodeOf(new CurvatureError('not-finite', '')), 1);
  assert.equal(exitCodeOf(cancelled()), 130);
  assert.equal(exitCodeOf(new Error('bug')), 1);
});
