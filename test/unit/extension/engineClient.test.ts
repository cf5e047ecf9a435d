import assert from 'node:assert/strict';
import path from 'node:path';
import { afterEach, test } from 'node:test';
import type { Progress } from '../../../src/engine/analysis/hooks';
import { defaultOptions } from '../../../src/engine/analysis/options';
import { defaultExportOptions } from '../../../src/engine/export/options';
import { EngineClient } from '../../../src/extension/engineClient';
import { EngineError } from '../../../src/extension/engineError';

const serverPath = path.resolve('test/support/vscode/fakeEngine.mjs');
const clients: EngineClient[] = [];
const newClient = (graceMs = 300): EngineClient => {
  const client = new EngineClient({ serverPath, graceMs });
  clients.push(client);
  return client;
};
afterEach(() => clients.splice(0).forEach(client => client.dispose()));

const options = (model: string) => ({ ...defaultOptions, model });
const failure = async (run: Promise<unknown>): Promise<EngineError> => {
  const error: unknown = await run.then(
    () => assert.fail('it resolved'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof EngineError, String(error));
  return error;
};

/** Starts an analysis and cancels it with its first partial result. */
function cancelled(client: EngineClient, model: string) {
  const controller = new AbortController();
  let at = 0;
  const run = client.analyze(options(model), {
    signal: controller.signal,
    onPartial: () => {
      at = performance.now();
      controller.abort();
    },
  });
  return run.then(report => ({ report, seconds: (performance.now() - at) / 1000 }));
}

test('an analysis is answered, with progress and partial results on the way', async () => {
  const progress: Progress[] = [];
  const partials: boolean[] = [];
  const report = await newClient().analyze(options('answers'), {
    onProgress: step => progress.push(step),
    onPartial: partial => partials.push(partial.complete),
  });
  assert.equal(report.complete, true);
  assert.deepEqual([progress[0]?.fraction, progress.length], [0.5, 1]);
  assert.deepEqual(partials, [false]);
});

test('the process is started by the first request and serves the next ones too', async () => {
  const client = newClient();
  assert.equal(client.pid, undefined);
  await client.describeModel('a');
  const { pid } = client;
  assert.equal((await client.describeModel('b')).file, 'b');
  assert.equal(client.pid, pid);
});

test('a cancelled engine that answers is taken at its word, and its process lives on', async () => {
  const client = newClient();
  const { report } = await cancelled(client, 'slow');
  assert.equal(report.stopped?.message, 'by the engine itself');
  assert.ok(client.pid);
});

test('a cancelled engine that hangs is killed, and the last partial result is kept', async () => {
  const client = new EngineClient({ serverPath });
  clients.push(client);
  const { report, seconds } = await cancelled(client, 'hangs');
  assert.ok(seconds < 2, `it took ${seconds} s`);
  assert.equal(report.stopped?.reason, 'cancelled');
  assert.equal(report.complete, false);
  assert.equal(report.layers[0]?.name, 'partial');
  assert.equal((await client.describeModel('next')).file, 'next');
});

test('cancelling with nothing measured rejects as cancelled', async () => {
  const controller = new AbortController();
  const run = newClient().analyze(options('silent'), { signal: controller.signal });
  setTimeout(() => controller.abort(), 200);
  assert.ok((await failure(run)).isCancelled);
  assert.ok(
    (await failure(newClient().analyze(options('answers'), { signal: controller.signal }))).isCancelled,
  );
});

test('a crash names the signal, keeps the partial result, and the next request gets a new process', async () => {
  const client = newClient();
  const error = await failure(client.analyze(options('aborts')));
  assert.match(error.message, /signal SIGABRT/);
  assert.equal(error.code, 'engine-crashed');
  assert.equal(error.partial?.stopped?.reason, 'failed');
  assert.equal((await client.analyze(options('answers'))).complete, true);
});

test('an exit names the code and the last words', async () => {
  const error = await failure(newClient().analyze(options('exits')));
  assert.match(error.message, /exit code 3.*std::bad_alloc/);
});

test('killing the process by its id is a crash', async () => {
  const client = newClient();
  const run = client.analyze(options('silent'));
  setTimeout(() => client.pid && process.kill(client.pid, 'SIGKILL'), 300);
  assert.match((await failure(run)).message, /signal SIGKILL/);
});

test('a server that is not there is a crash', async () => {
  const client = new EngineClient({ serverPath: path.resolve('test/support/vscode/missing.mjs') });
  assert.match((await failure(client.describeModel('a'))).message, /exit code 1/);
});

test("an engine's error keeps its code and hint; a bug says only its first line", async () => {
  const refused = await failure(newClient().analyze(options('refuses')));
  assert.deepEqual([refused.code, refused.hint], ['labels-invalid', 'Check them.']);
  const bug = await failure(newClient().analyze(options('breaks')));
  assert.equal(bug.code, 'internal');
  assert.match(bug.message, /a bug/);
});

test('disposing settles what is pending and lets nothing start', async () => {
  const client = newClient();
  const run = client.analyze(options('silent'));
  setTimeout(() => client.dispose(), 300);
  assert.ok((await failure(run)).isCancelled);
  assert.ok((await failure(client.analyze(options('answers')))).isCancelled);
});

const asked = (model: string) => ({
  ...{ model, bits: { fc: 4 }, options: defaultExportOptions },
  output: 'net.q.onnx',
});

test('an export is answered, with progress on the way', async () => {
  const progress: Progress[] = [];
  const summary = await newClient().exportQuantized(asked('answers'), {
    onProgress: step => progress.push(step),
  });
  assert.equal(summary.output, 'written');
  assert.deepEqual([progress[0]?.fraction, progress.length], [0.5, 1]);
});

test('an export that is cancelled rejects as cancelled, even where the engine is silent', async () => {
  const controller = new AbortController();
  const run = newClient().exportQuantized(asked('silent'), { signal: controller.signal });
  setTimeout(() => controller.abort(), 50);
  assert.equal((await failure(run)).isCancelled, true);
});

test('an export that the engine refuses says why', async () => {
  const error = await failure(newClient().exportQuantized(asked('refuses')));
  assert.deepEqual([error.code, error.hint], ['labels-invalid', 'Check them.']);
});
