import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chooseDevice } from '../../../src/engine/analysis/chooseDevice';
import { CurvatureError } from '../../../src/engine/errors';
import { float32Tensor } from '../../../src/engine/onnx/tensor';
import { Device } from '../../../src/engine/runtime/device';
import { listedProviders, providers, refusalOf } from '../../../src/engine/runtime/providers';
import { tryProvider } from '../../../src/engine/runtime/providerTrial';
import { cpuSession, Session } from '../../../src/engine/runtime/session';
import { input, makeGraph } from '../../support/models';

const double = makeGraph([input('x', 2)], {}, [['Add', ['x', 'x'], 'y']]);
const x = float32Tensor([2], [1, 2]);
/** A provider that no machine has, since each belongs to another system. */
const absent = providers.find(p => !listedProviders().includes(p))!;

describe('choosing a device', () => {
  test('cpu is taken without a trial', async () => {
    const device = await chooseDevice('cpu');
    assert.equal(device.provider, 'cpu');
    assert.match(device.name, /^cpu/);
    assert.equal(device.failure, undefined);
  });

  test('auto tries every other provider of the platform, once, and tells why it was not taken', async () => {
    const device = await chooseDevice('auto');
    const tried = [...device.refused.map(r => r.provider), device.provider];
    assert.deepEqual(new Set([...tried, 'cpu']), new Set(listedProviders()));
    const start = performance.now();
    assert.deepEqual((await chooseDevice('auto')).refused, device.refused);
    assert.ok(performance.now() - start < 50, 'a second choice costs nothing');
  });

  for (const name of ['tpu', absent]) {
    test(`${name} is refused with what there is instead`, async () => {
      await assert.rejects(
        chooseDevice(name),
        (error: unknown) =>
          error instanceof CurvatureError &&
          error.code === 'option-invalid' &&
          error.message.includes(name) &&
          /Choose auto or /.test(error.hint ?? ''),
      );
    });
  }
});

describe('a trial in a process of its own', () => {
  test('gives the numbers and the time', async () => {
    const trial = await tryProvider('cpu', double, { x });
    assert.ok(typeof trial !== 'string');
    assert.deepEqual([...trial.outputs['y']], [2, 4]);
    assert.ok(trial.seconds > 0 && trial.seconds < 1);
  });

  test('gives the reason where there are none', async () => {
    const reason = await tryProvider(absent, double, { x });
    assert.ok(typeof reason === 'string');
    assert.match(reason, /backend not found/);
  });
});

test('a device that fails goes over to the CPU and keeps the reason', async () => {
  const device = new Device(absent);
  const session = await Session.create(double, { ...cpuSession, device });
  assert.equal(device.provider, 'cpu');
  assert.match(device.failure ?? '', new RegExp(`"${absent}" failed, and the CPU went on: .*not found`));
  assert.deepEqual([...((await session.run({ x }))['y'].data as Float32Array)], [2, 4]);
  await session.dispose();
});

describe('the reason why a provider is refused', () => {
  const noAdapter =
    'webgpu_context.cc:136 adapter_result.status == Success was false. Failed to get a WebGPU adapter: No supported adapters';
  const noLibrary = 'OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library';
  const cannotOpen = (library: string): string =>
    `Failed to load library /a/libonnxruntime_providers_cuda.so with error: ${library}: cannot open shared object file`;
  const reasons = [
    ['webgpu', noAdapter, '', /^no graphics adapter was found$/],
    ['webgpu', noAdapter, "Couldn't load Vulkan: libvulkan.so.1: cannot open", /libvulkan\.so\.1 is missing/],
    ['cuda', noLibrary, cannotOpen('/a/libonnxruntime_providers_shared.so'), /npm run install:cuda/],
    [
      'cuda',
      noLibrary,
      cannotOpen('libcublasLt.so.12'),
      /^libcublasLt\.so\.12 was not found; install CUDA 12/,
    ],
    ['coreml', 'a.cc:1 ERROR_MESSAGE: Not\n enough memory', '', /^Not enough memory$/],
  ] as const;
  for (const [provider, message, log, expected] of reasons) {
    test(`${provider}: ${expected.source}`, () => assert.match(refusalOf(provider, message, log), expected));
  }
});
