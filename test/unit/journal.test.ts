import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import type { Fingerprint } from '../../src/engine/analysis/fingerprint';
import { ProbeJournal } from '../../src/engine/analysis/journal';
import type { LinearOperator } from '../../src/engine/curvature/linearOperator';
import { once } from '../../src/engine/estimators/keeper';
import {
  stochasticLanczos,
  type StochasticLanczosProgress,
} from '../../src/engine/estimators/stochasticLanczos';
import type { TraceProgress } from '../../src/engine/estimators/result';
import { estimateTrace, traceMethods } from '../../src/engine/estimators/trace';
import { curvatureError } from '../support/assertions';
import { denseOperator, matrixWithSpectrum } from '../support/denseOperator';

const folder = mkdtempSync(path.join(tmpdir(), 'curvature-journal-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const ROWS = 60;
const fingerprint: Fingerprint = { batch: 1, seed: 0, rows: ROWS };
const matrix = matrixWithSpectrum(
  Array.from({ length: ROWS }, (_, i) => 1 / (1 + i)),
  0,
);

const options = { steps: 12, probes: 3, seed: 0 };

async function spectrumOf(
  operator: LinearOperator,
  keeper: ProbeJournal | undefined,
  stopAfter = Infinity,
): Promise<StochasticLanczosProgress | undefined> {
  let last: StochasticLanczosProgress | undefined;
  for await (const step of stochasticLanczos(operator, { ...options, keeper })) {
    last = step;
    if (step.products === stopAfter) break;
  }
  return last;
}

test('wherever a spectrum stops, the next run makes only the products that are missing', async () => {
  const all = (1 + options.probes) * options.steps;
  const whole = await spectrumOf(denseOperator(matrix), undefined);
  for (const stopAfter of [1, 7, 12, 13, 24, 30, 47]) {
    const file = path.join(folder, `stopped-${stopAfter}`);
    const first = new ProbeJournal(file, false);
    first.begin(fingerprint);
    await spectrumOf(denseOperator(matrix), first, stopAfter);
    const second = new ProbeJournal(file, true);
    second.begin(fingerprint);
    const operator = denseOperator(matrix);
    const resumed = await spectrumOf(operator, second);
    assert.deepEqual(resumed, whole, `after ${stopAfter} products`);
    assert.equal(operator.applied, all - stopAfter);
    // Of what is through, only the outliers' products are needed again.
    assert.deepEqual(readdirSync(`${file}.products`), ['outliers']);
    second.finish();
    assert.ok(!existsSync(file) && !existsSync(`${file}.products`));
  }
});

for (const method of traceMethods) {
  test(`wherever a trace by ${method} stops, the next run makes only the products that are missing`, async () => {
    const settings = { seed: 0, rtol: 0, maxProducts: 30 };
    const traceOf = async (
      operator: LinearOperator,
      keeper: ProbeJournal | undefined,
      stopAfter = Infinity,
    ): Promise<TraceProgress | undefined> => {
      let last: TraceProgress | undefined;
      for await (const step of estimateTrace(method, operator, { ...settings, keeper })) {
        last = step;
        if (step.samples === stopAfter) break;
      }
      return last;
    };
    const whole = denseOperator(matrix);
    const expected = await traceOf(whole, undefined);
    for (const stopAfter of [2, 16]) {
      const file = path.join(folder, `${method}-${stopAfter}`);
      const first = new ProbeJournal(file, false);
      first.begin(fingerprint);
      await traceOf(denseOperator(matrix), first, stopAfter);
      const second = new ProbeJournal(file, true);
      const operator = denseOperator(matrix);
      assert.deepEqual(await traceOf(operator, second), expected);
      assert.equal(operator.applied, whole.applied - stopAfter);
    }
  });
}

test('parts and products are counted, and half of a product is made again', async () => {
  const file = path.join(folder, 'counted');
  const journal = new ProbeJournal(file, false);
  journal.begin(fingerprint);
  const v = new Float64Array(ROWS).fill(1);
  const expected = await journal.through('some products', denseOperator(matrix)).apply(v);
  assert.equal(await once(journal, 'a part', () => Promise.resolve(1 / 3)), 1 / 3);
  appendFileSync(path.join(`${file}.products`, 'some-products'), Buffer.alloc(100));

  const again = new ProbeJournal(file, true);
  again.begin(fingerprint);
  assert.equal(again.size, 2);
  const operator = denseOperator(matrix);
  const through = again.through('some products', operator);
  assert.deepEqual([await through.apply(v), await through.apply(v)], [expected, expected]);
  assert.equal(operator.applied, 1);
  assert.equal(await once(again, 'a part', () => Promise.reject(new Error('measured again'))), 1 / 3);
});

test('another matrix is refused, naming what differs; a run that begins anew takes away what was there', async () => {
  const file = path.join(folder, 'other');
  const journal = new ProbeJournal(file, false);
  journal.begin({ ...fingerprint, steps: 80 });
  await journal.through('x', denseOperator(matrix)).apply(new Float64Array(ROWS));
  assert.throws(
    () => new ProbeJournal(file, true).begin({ ...fingerprint, steps: 40 }),
    curvatureError('option-invalid', /resumed: steps was 80 and is 40\./),
  );
  const anew = new ProbeJournal(file, false);
  anew.begin(fingerprint);
  assert.equal(anew.size, 0);
  assert.ok(!existsSync(`${file}.products`));
});
