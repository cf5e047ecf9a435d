import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import type { Report } from '../../../src/engine';
import { readFingerprint } from '../../../src/engine/analysis/fingerprint';
import { defaultTrustOptions } from '../../../src/engine/analysis/matrixOptions';
import { type AnalyzeOptions, defaultOptions } from '../../../src/engine/analysis/options';
import type { StudyRequest } from '../../../src/engine/analysis/study';
import type { Studies } from '../../../src/engine/report/studies';
import { EngineClient } from '../../../src/extension/engineClient';

/** The engine's own process, with the models of the tests. */
const client = new EngineClient({ serverPath: path.resolve('dist/server.js') });
const folder = mkdtempSync(path.join(tmpdir(), 'curvature-probes-'));
after(() => {
  client.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const models = path.resolve('test/fixtures/models');
const options: AnalyzeOptions = {
  ...defaultOptions,
  model: path.join(models, 'vit_digits_legacy.onnx'),
  data: path.join(models, 'digits_eval.npz'),
  matrix: 'both',
  rtol: 1e-4,
  maxProbes: 40,
  eigenvalues: 0,
  executionProvider: 'cpu',
};
const file = path.join(folder, 'kept.probes');
const probes = (): number => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 2 : 0);
const run = (resume: boolean, more: Partial<AnalyzeOptions> = {}): Promise<Report> =>
  client.analyze({ ...options, ...more }, {}, { file, resume });
/** What two runs of the same settings have in common. */
const lasting = ({ timings: _, createdAt: __, memory: ___, ...rest }: Report): Partial<Report> => rest;

/** Cancels a run once it has kept some probes. */
async function cutShort(): Promise<void> {
  const controller = new AbortController();
  const watch = setInterval(() => {
    if (probes() >= 20) controller.abort();
  }, 5);
  const partial = await client.analyze(options, { signal: controller.signal }, { file, resume: false });
  clearInterval(watch);
  assert.equal(partial.complete, false);
  assert.ok(probes() >= 20);
}

test('a run that was cancelled goes on to the numbers of one that was not; its probes are gone then', async () => {
  const whole = await client.analyze(options);
  await cutShort();
  const resumed = await run(true);
  assert.deepEqual(lasting(resumed), lasting(whole));
  assert.ok(!existsSync(file));
});

test('probes of other settings are begun anew without a word', async () => {
  await cutShort();
  const fresh = await client.analyze({ ...options, matrix: 'ggn', seed: 1 });
  assert.deepEqual(lasting(await run(true, { matrix: 'ggn', seed: 1 })), lasting(fresh));
});

test('a file that is no journal is begun anew, and so is one that is not to be resumed', async () => {
  for (const resume of [true, false]) {
    writeFileSync(file, 'nothing of the kind\n{');
    assert.equal((await run(resume, { matrix: 'ggn' })).complete, true);
    assert.ok(!existsSync(file));
  }
});

test('a study is told as far as it is, and goes on to the numbers of one that was not cut short', async () => {
  const request: StudyRequest = {
    kind: 'trust',
    options: { ...defaultTrustOptions, ...options, bits: [2, 4, 8], samples: 64 },
  };
  const { trust: whole } = await client.study(request);
  const controller = new AbortController();
  const hooks = {
    signal: controller.signal,
    onPartial: ({ trust }: Studies) => {
      assert.equal(trust?.complete, false);
      if (trust.layers.length > 1) controller.abort();
    },
  };
  await assert.rejects(client.study(request, hooks, { file, resume: true }), /cancelled/);
  assert.deepEqual(readFingerprint(file)?.['command'], 'trust');
  const { trust: resumed } = await client.study(request, {}, { file, resume: true });
  const numbers = ({ timings: _, ...rest }: NonNullable<Studies['trust']>) => rest;
  assert.deepEqual(resumed && numbers(resumed), whole && numbers(whole));
  assert.ok(!existsSync(file));
});
