import { spawn } from 'node:child_process';
import type * as Ort from 'onnxruntime-node';
import type { Graph } from '../graph/graph';
import { encodeGraph } from '../graph/toModel';
import { type Provider, providerConfig, refusalOf } from './providers';
import type { Feeds } from './session';

/** What a provider made of a graph. */
export interface Trial {
  readonly outputs: Readonly<Record<string, Float32Array>>;
  /** Of the fastest run after the first. */
  readonly seconds: number;
}

interface Task {
  readonly model: Uint8Array;
  readonly provider: Ort.InferenceSession.ExecutionProviderConfig;
  readonly feeds: Feeds;
}

/** What came of a run elsewhere, or how the process ended. */
type Answer = Trial | { readonly error: string } | { readonly crash: string };

/** Drivers that need longer than this to compile and run a small graph would not be the fastest. */
const TIMEOUT_MS = 20_000;

/**
 * Runs a graph of float outputs on a provider in a process of its own, because a driver may end the process that loads it,
 * and writes what it pleases to stderr.
 * @returns the reason where the provider can't be used
 */
export async function tryProvider(provider: Provider, graph: Graph, feeds: Feeds): Promise<Trial | string> {
  const { answer: found, log } = await runApart(provider, graph, feeds);
  if ('crash' in found) return found.crash;
  return 'error' in found ? refusalOf(provider, found.error, log) : found;
}

/** How a graph ends the process that runs it on the CPU, such as by a division by 0; undefined where it does not. */
export async function crashOf(graph: Graph, feeds: Feeds): Promise<string | undefined> {
  const { answer: found } = await runApart('cpu', graph, feeds);
  return 'crash' in found ? found.crash : undefined;
}

function runApart(
  provider: Provider,
  graph: Graph,
  feeds: Feeds,
): Promise<{ readonly answer: Answer; readonly log: string }> {
  const library = JSON.stringify(require.resolve('onnxruntime-node'));
  const child = spawn(process.execPath, ['-e', `(${answer.toString()})(require(${library}))`], {
    // In the desktop VS Code the executable is Electron; this makes it a plain Node.
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
  });
  let log = '';
  child.stderr!.on('data', (data: Buffer) => (log += data.toString()));
  return new Promise(resolve => {
    let result: Answer | undefined;
    const finish = (found: Answer): void => resolve({ answer: found, log });
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, TIMEOUT_MS);
    child.on('message', (message: Answer) => {
      result = message;
      child.kill('SIGKILL');
    });
    child.once('error', error => finish({ error: error.message }));
    // `close` comes when stderr is read to its end.
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (isLate) finish({ error: `it did not answer within ${TIMEOUT_MS / 1000} s` });
      else finish(result ?? { crash: `its libraries ended the process (${signal ?? `exit code ${code}`})` });
    });
    child.send({ model: encodeGraph(graph), provider: providerConfig(provider), feeds } satisfies Task);
  });
}

/** Runs in the child, which is handed its source: it may use nothing from outside its body. */
function answer(ort: typeof Ort): void {
  const run = async ({ model, provider, feeds }: Task): Promise<Trial> => {
    const session = await ort.InferenceSession.create(model, {
      executionProviders: [provider],
      enableMemPattern: false,
    });
    const inputs = Object.fromEntries(
      Object.entries(feeds).map(([name, t]) => [
        name,
        new ort.Tensor(t.elemType as Ort.Tensor.Type, t.data as Ort.Tensor.DataType, t.shape),
      ]),
    );
    // The first run compiles kernels.
    const outputs = await session.run(inputs);
    const start = performance.now();
    let seconds = Infinity;
    for (let i = 0; i < 3 && performance.now() - start < 1000; i++) {
      const before = performance.now();
      await session.run(inputs);
      seconds = Math.min(seconds, (performance.now() - before) / 1000);
    }
    const data = Object.entries(outputs).map(([name, t]) => [name, t.data as Float32Array] as const);
    return { outputs: Object.fromEntries(data), seconds };
  };
  process.on('message', (task: Task) => {
    run(task).then(
      trial => process.send!(trial),
      (error: Error) => process.send!({ error: error.message }),
    );
  });
}
