import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { test } from 'node:test';
import { physicalCores, sessionThreads } from '../../../src/engine/runtime/cores';
import { Session } from '../../../src/engine/runtime/session';
import { float32Tensor } from '../../../src/engine/onnx/tensor';
import { input, makeGraph } from '../../support/models';

const onLinux = { skip: os.platform() === 'linux' ? false : 'the system is asked on Linux only' };
const onX86 = os.arch() === 'x64' ? onLinux : { skip: '/proc/cpuinfo names cores on x86 only' };

test('cores are those that /proc/cpuinfo tells apart, and no more than the process may use', onX86, () => {
  const processors = readFileSync('/proc/cpuinfo', 'utf8').trim().split('\n\n');
  const valueOf = (processor: string, key: string): string | undefined =>
    new RegExp(`^${key}\\s*: (.*)$`, 'm').exec(processor)?.[1];
  const cores = new Set(processors.map(p => `${valueOf(p, 'physical id')}/${valueOf(p, 'core id')}`));
  assert.equal(physicalCores(), Math.min(cores.size, os.availableParallelism()));
});

test('CURVATURE_THREADS limits the threads of sessions', () => {
  const before = process.env.CURVATURE_THREADS;
  try {
    delete process.env.CURVATURE_THREADS;
    assert.equal(sessionThreads(), physicalCores());
    for (const [asked, threads] of [
      ['1', 1],
      ['1000', physicalCores() || 1000],
      ['none', physicalCores()],
    ] as const) {
      process.env.CURVATURE_THREADS = asked;
      assert.equal(sessionThreads(), threads);
    }
  } finally {
    if (before === undefined) delete process.env.CURVATURE_THREADS;
    else process.env.CURVATURE_THREADS = before;
  }
});

test('a session has a thread for each core, the caller among them', onLinux, async () => {
  const graph = makeGraph([input('x', 1)], { one: float32Tensor([1], new Float32Array([1])) }, [
    ['Add', ['x', 'one'], 'y'],
  ]);
  // The first session starts Node's own pool as well.
  await (await Session.create(graph)).dispose();
  const before = numThreads();
  const session = await Session.create(graph);
  assert.equal(numThreads() - before, sessionThreads() - 1);
  await session.dispose();
});

function numThreads(): number {
  return Number(/^Threads:\s+(\d+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}
