import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, test } from 'node:test';
import { chooseDevice } from '../../src/engine/analysis/chooseDevice';
import { openModel } from '../../src/engine/analysis/model';
import { setUp, type SetUp } from '../../src/engine/analysis/setUp';
import { gaussNewtonTraces, hessianTraces } from '../../src/engine/analysis/traces';
import { hessianOperator } from '../../src/engine/curvature/products';
import type { Estimate, TraceProgress } from '../../src/engine/estimators/result';
import { CurvatureError } from '../../src/engine/errors';
import { float32Tensor, int64Tensor } from '../../src/engine/onnx/tensor';
import { Device } from '../../src/engine/runtime/device';
import { cpuSession, Session } from '../../src/engine/runtime/session';
import { norm } from '../../src/engine/util/vector';
import { input, makeGraph } from '../support/models';

/** What the provider must agree with the CPU to. */
const TOLERANCE = 1e-3;
const folder = 'test/fixtures/models';
const models = [
  {
    model: 'mlp_digits_legacy',
    data: 'digits_eval',
    kinds: ['Hessian-vector product', 'GGN traces', 'Hessian traces'],
  },
  { model: 'resnet_mnist_legacy', data: 'mnist_eval', kinds: ['Hessian-vector product', 'GGN traces'] },
  { model: 'vit_digits_legacy', data: 'digits_eval', kinds: ['Hessian-vector product'] },
];

const whyUnavailable = (): Promise<string | false> =>
  chooseDevice('webgpu').then(
    () => false,
    (error: Error) => error.message,
  );

function relativeDistance(found: readonly number[], expected: readonly number[]): number {
  return norm(Float64Array.from(expected, (e, i) => e - found[i])) / norm(Float64Array.from(expected));
}

async function estimates(traces: AsyncGenerator<TraceProgress>): Promise<number[]> {
  let last: readonly Estimate[] = [];
  for await (const step of traces) if (step.estimates.length > 0) last = step.estimates;
  return last.map(e => e.estimate);
}

const options = { seed: 0, rtol: 0.05, maxProbes: 4 };

/** A test vector that needs no random numbers: the sign is bit 31 of the index times Knuth's constant. */
const fixedVector = (n: number): Float64Array =>
  Float64Array.from({ length: n }, (_, i) => (Math.imul(i, 2654435761) < 0 ? -1 : 1));

const measures: Record<string, (setUp: SetUp) => Promise<readonly number[]>> = {
  'Hessian-vector product': async ({ problem, parameters }) => {
    const operator = await hessianOperator(problem, parameters);
    const product = await operator.apply(fixedVector(operator.size));
    await operator.dispose();
    return [...product];
  },
  'GGN traces': ({ problem, reached }) => estimates(gaussNewtonTraces(problem, reached, options)),
  'Hessian traces': ({ problem, reached }) => estimates(hessianTraces(problem, reached, options)),
};

describe('the webgpu provider', async () => {
  const skip = await whyUnavailable();
  for (const { model, data, kinds } of models) {
    const on = (executionProvider: string): Promise<SetUp> =>
      setUp(openModel(path.join(folder, `${model}.onnx`)), {
        data: path.join(folder, `${data}.npz`),
        ...{ loss: 'auto', samples: 4, seed: 0, executionProvider },
      });

    for (const name of kinds) {
      test(`${model}: ${name} as on the CPU`, { skip }, async () => {
        const [webgpu, cpu] = [await on('webgpu'), await on('cpu')];
        const distance = relativeDistance(await measures[name](webgpu), await measures[name](cpu));
        assert.ok(distance < TOLERANCE, `they differ by ${distance}`);
        assert.equal(webgpu.problem.session.device.provider, 'webgpu', 'it ran there to the end');
      });
    }
  }

  test('what it refuses to run goes on on the CPU, which has the last word', { skip }, async () => {
    const graph = makeGraph([input('x', 4), { name: 'shape', elemType: 'int64', shape: [1] }], {}, [
      ['Reshape', ['x', 'shape'], 'y'],
    ]);
    const device = new Device('webgpu');
    const session = await Session.create(graph, { ...cpuSession, device });
    const x = float32Tensor([4], [1, 2, 3, 4]);
    await assert.rejects(
      session.run({ x, shape: int64Tensor([3]) }),
      (error: unknown) => error instanceof CurvatureError && error.code === 'runtime-failed',
    );
    assert.match(device.failure ?? '', /^The execution provider "webgpu" failed, and the CPU went on: /);
    assert.equal(device.provider, 'cpu');
    const { y } = await session.run({ x, shape: int64Tensor([4]) });
    assert.deepEqual([...(y.data as Float32Array)], [1, 2, 3, 4]);
    await session.dispose();
  });
});
