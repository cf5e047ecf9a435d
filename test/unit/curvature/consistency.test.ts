import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { openModel } from '../../../src/engine/analysis/model';
import { setUp } from '../../../src/engine/analysis/setUp';
import { gaussNewtonTraces } from '../../../src/engine/analysis/traces';
import { gradientNorms } from '../../../src/engine/curvature/gradientNorms';
import { matrixOperator, hessianOperator } from '../../../src/engine/curvature/products';
import { quadraticForms, rademacherDirection } from '../../../src/engine/curvature/quadraticForms';
import type { LinearOperator } from '../../../src/engine/curvature/linearOperator';
import { exactGaussNewtonTrace, gaussNewtonTrace } from '../../../src/engine/estimators/gaussNewtonTrace';
import type { Estimate } from '../../../src/engine/estimators/result';
import { float32Tensor, int64Tensor } from '../../../src/engine/onnx/tensor';
import { Rng } from '../../../src/engine/util/rng';
import { dot } from '../../../src/engine/util/vector';
import { assertClose } from '../../support/assertions';
import { input, makeGraph, Workspace } from '../../support/models';

const workspace = new Workspace();
after(() => workspace.remove());
const random = Rng.of(5, 'consistency');
const normals = (...shape: number[]) =>
  float32Tensor(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal() / 2),
  );

const fixture = async (name: string, data: string, loss: 'auto' | 'kl' = 'auto') =>
  setUp(openModel(`test/fixtures/models/${name}`), {
    data: `test/fixtures/models/${data}`,
    loss,
    samples: 48,
    seed: 0,
    executionProvider: 'cpu',
  });

/** The diagonal of an operator's leading part, one product per element: slow, and beyond doubt. */
async function diagonal(operator: LinearOperator): Promise<Float64Array> {
  const d = new Float64Array(operator.size);
  for (let i = 0; i < d.length; i++) {
    const unit = new Float64Array(operator.size);
    unit[i] = 1;
    d[i] = (await operator.apply(unit))[i];
  }
  return d;
}

async function last(
  traces: AsyncGenerator<{ estimates: readonly Estimate[] }>,
): Promise<readonly Estimate[]> {
  let estimates: readonly Estimate[] = [];
  for await (const step of traces) estimates = step.estimates;
  return estimates;
}

describe('quadratic forms without weight gradients equal vᵀ(Hv) of the whole-vector graph', () => {
  for (const [name, data] of [
    ['mlp_digits_legacy.onnx', 'digits_eval.npz'],
    ['vit_digits_dynamo18.onnx', 'digits_eval.npz'],
    ['resnet_mnist_legacy.onnx', 'mnist_eval.npz'],
    ['resnet_mnist_legacy_aliased.onnx', 'mnist_eval.npz'],
  ]) {
    test(name, async () => {
      const { problem, reached } = await fixture(name, data);
      const direction = rademacherDirection(reached, 7);
      const forms = await quadraticForms(problem, reached, 'row', 2, direction);
      const parameters = reached.map(l => ({ name: l.initializer, shape: l.shape, size: l.size }));
      const operator = await hessianOperator(problem, parameters);
      const [first, second] = await forms.sample([4, 9]);
      for (const [probe, found] of [
        [4, first],
        [9, second],
      ] as const) {
        const parts = reached.map((_, l) => direction(probe, l));
        const product = await operator.apply(Float64Array.from(parts.flatMap(p => [...p])));
        let start = 0;
        const expected = parts.map(p => dot(p, product.subarray(start, (start += p.length))));
        const scale = Math.max(...expected.map(Math.abs));
        expected.forEach((e, l) =>
          assert.ok(Math.abs(found[l] - e) < 1e-5 * scale, `${reached[l].name}: ${found[l]}, expected ${e}`),
        );
      }
      await forms.dispose();
      await operator.dispose();
    });
  }
});

test('at its own output the Hessian of kl is the Gauss–Newton matrix, and needs no labels to be it', async () => {
  const [own, labelled] = [
    await fixture('vit_digits_legacy.onnx', 'digits_eval.npz', 'kl'),
    await fixture('vit_digits_legacy.onnx', 'digits_eval.npz'),
  ];
  const operators = [
    await hessianOperator(own.problem, own.parameters),
    await matrixOperator('ggn', own.problem, own.parameters),
    await matrixOperator('ggn', labelled.problem, labelled.parameters),
  ];
  const v = Rng.of(1).normals(operators[0].size);
  const [h, g, gLabelled] = [
    await operators[0].apply(v),
    await operators[1].apply(v),
    await operators[2].apply(v),
  ];
  const scale = Math.max(...g.map(Math.abs));
  g.forEach((value, i) => {
    assert.ok(Math.abs(h[i] - value) < 1e-4 * scale);
    assert.ok(Math.abs(gLabelled[i] - value) < 1e-4 * scale);
  });
  for (const operator of operators) await operator.dispose();
});

describe('GGN traces of layers in every position', () => {
  const tokens = BigInt64Array.from({ length: 12 * 5 }, () => BigInt(random.below(7)));
  test('equal the diagonal of the Gauss–Newton product', async () => {
    const graph = makeGraph(
      [{ name: 'ids', elemType: 'int64', shape: ['N', 5] }],
      {
        ...{
          embedding: normals(7, 4),
          left: normals(6, 5),
          right: normals(4, 4),
          deconv: normals(6, 2, 3),
          tied: normals(4, 4),
          head: normals(3, 8),
        },
        ...{
          flat: int64Tensor([0, 8]),
          zero: int64Tensor([0]),
          four: int64Tensor([4]),
          two: int64Tensor([2]),
        },
      },
      [
        ['Gather', ['embedding', 'ids'], 'e'],
        ['MatMul', ['e', 'right'], 'r'],
        ['Tanh', ['r'], 't'],
        ['MatMul', ['t', 'tied'], 't1'],
        ['Sigmoid', ['t1'], 't2'],
        ['MatMul', ['t2', 'tied'], 't3'],
        ['MatMul', ['left', 't3'], 'l'],
        ['ConvTranspose', ['l', 'deconv'], 'd'],
        ['Slice', ['d', 'zero', 'four', 'two'], 's'],
        ['Reshape', ['s', 'flat'], 'f'],
        ['Gemm', ['f', 'head'], 'y', { transB: { int: 1 }, alpha: { float: 0.7 } }],
      ],
    );
    const data = workspace.npz('ids.npz', { ids: { shape: [12, 5], data: tokens } });
    const ready = await setUp(openModel(workspace.model('layers.onnx', graph)), {
      data,
      loss: 'kl',
      batch: 5,
      seed: 0,
      executionProvider: 'cpu',
    });
    const { problem, reached } = ready;
    assert.deepEqual(reached.map(l => l.initializer).sort(), [
      'deconv',
      'embedding',
      'head',
      'left',
      'right',
      'tied',
    ]);

    const norms = await gradientNorms(problem, reached, 0);
    assert.deepEqual(
      reached.filter((_, l) => !norms.perSample[l]).map(l => l.name),
      ['tied'],
      'only the weight that is used twice is taken over the batch',
    );
    const names = reached.map(l => l.name);
    const sampled = await last(
      gaussNewtonTrace(norms.sample, { layers: names, seed: 0, rtol: 1e-9, maxDraws: 400 }),
    );
    const exact = await last(
      exactGaussNewtonTrace(norms.column, { layers: names, columns: norms.columns, seed: 0 }),
    );
    for (const [l, layer] of reached.entries()) {
      const operator = await matrixOperator('ggn', problem, [
        { name: layer.initializer, shape: layer.shape, size: layer.size },
      ]);
      const truth = (await diagonal(operator)).reduce((sum, d) => sum + d, 0);
      await operator.dispose();
      if (norms.perSample[l]) assertClose(exact[l].estimate, truth, 1e-4, layer.name);
      assert.ok(
        Math.abs(sampled[l].estimate - truth) <= 3.5 * sampled[l].stderr,
        `${layer.name}: ${sampled[l].estimate} ± ${sampled[l].stderr}, expected ${truth}`,
      );
    }
    await norms.dispose();
    const chosen = await last(gaussNewtonTraces(problem, reached, { seed: 0, rtol: 0.05, maxProbes: 64 }));
    assert.ok(
      chosen.every(e => !e.exact),
      'a layer whose samples are taken together rules the exact way out',
    );
  });
});

test('a model that keeps its samples on another axis is found out, and measured all the same', async () => {
  // [N, 4, 3] → [4, N, 3]: the rows of one sample are no longer neighbours.
  const graph = makeGraph(
    [input('x', 'N', 4, 3)],
    {
      w: normals(3, 3),
      v: normals(12, 3),
      rows: int64Tensor([-1, 3]),
      back: int64Tensor([4, -1, 3]),
      flat: int64Tensor([0, 12]),
    },
    [
      ['Transpose', ['x'], 'xt', { perm: { ints: [1, 0, 2] } }],
      ['Reshape', ['xt', 'rows'], 'r'],
      ['MatMul', ['r', 'w'], 'a'],
      ['Reshape', ['a', 'back'], 'b'],
      ['Transpose', ['b'], 'c', { perm: { ints: [1, 0, 2] } }],
      ['Reshape', ['c', 'flat'], 'f'],
      ['MatMul', ['f', 'v'], 'y'],
    ],
  );
  const data = workspace.npz('x.npz', { x: { shape: [8, 4, 3], data: Rng.of(2).normals(96) } });
  const { problem, reached } = await setUp(openModel(workspace.model('axis.onnx', graph)), {
    data,
    loss: 'kl',
    seed: 0,
    executionProvider: 'cpu',
  });
  const norms = await gradientNorms(problem, reached, 0);
  assert.deepEqual(norms.perSample, [false, true]);
  const sampled = await last(
    gaussNewtonTrace(norms.sample, { layers: ['w', 'v'], seed: 0, rtol: 1e-9, maxDraws: 400 }),
  );
  await norms.dispose();
  const operator = await matrixOperator('ggn', problem, [{ name: 'w', shape: [3, 3], size: 9 }]);
  const truth = (await diagonal(operator)).reduce((sum, d) => sum + d, 0);
  await operator.dispose();
  assert.ok(
    Math.abs(sampled[0].estimate - truth) <= 3.5 * sampled[0].stderr,
    `${sampled[0].estimate} ± ${sampled[0].stderr}, expected ${truth}`,
  );
});
