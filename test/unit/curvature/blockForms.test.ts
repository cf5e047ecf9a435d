import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { openModel } from '../../../src/engine/analysis/model';
import { type SetUp, setUp } from '../../../src/engine/analysis/setUp';
import type { Layer } from '../../../src/engine/curvature/layers';
import { hessianOperator } from '../../../src/engine/curvature/products';
import { quadraticForms, rademacherDirection } from '../../../src/engine/curvature/quadraticForms';
import { float32Tensor } from '../../../src/engine/onnx/tensor';
import { Rng } from '../../../src/engine/util/rng';
import { RunningMoments } from '../../../src/engine/util/statistics';
import { dot } from '../../../src/engine/util/vector';
import { input, makeGraph, Workspace } from '../../support/models';

const DRAWS = 160;
const workspace = new Workspace();
after(() => workspace.remove());
const random = Rng.of(8, 'block forms');
const normals = (...shape: number[]) =>
  float32Tensor(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal() / 2),
  );

/** v_lᵀH_ll v_l of every layer, by products with the Hessian of that layer alone. */
async function ownForms({ problem }: SetUp, layers: readonly Layer[], v: readonly Float32Array[]) {
  const forms: number[] = [];
  for (const [l, { initializer, shape, size }] of layers.entries()) {
    const operator = await hessianOperator(problem, [{ name: initializer, shape, size }]);
    const own = Float64Array.from(v[l]);
    forms.push(dot(own, await operator.apply(own)));
    await operator.dispose();
  }
  return forms;
}

function assertNear(layers: readonly Layer[], found: ArrayLike<number>, expected: readonly number[]): void {
  // float32, relative to the largest: small forms are differences of terms of that size.
  const scale = Math.max(...expected.map(Math.abs));
  layers.forEach(({ name }, l) =>
    assert.ok(
      Math.abs(found[l] - expected[l]) < 1e-5 * scale,
      `${name}: ${found[l]}, expected ${expected[l]}`,
    ),
  );
}

describe('forms of the blocks', () => {
  // A weight times itself, one used again behind itself, one used twice side by side, and a product of two.
  const graph = makeGraph(
    [input('x', 'N', 4)],
    {
      ...{ first: normals(4, 4), tied: normals(4, 4), down: normals(4, 3), up: normals(3, 4) },
      ...{ twin: normals(4, 4), head: normals(4, 3) },
    },
    [
      ['Transpose', ['first'], 'across'],
      ['MatMul', ['across', 'first'], 'gram'],
      ['MatMul', ['x', 'gram'], 'a'],
      ['Tanh', ['a'], 'b'],
      ['MatMul', ['b', 'tied'], 'c'],
      ['Sigmoid', ['c'], 'd'],
      ['MatMul', ['d', 'tied'], 'e'],
      ['MatMul', ['down', 'up'], 'adapter'],
      ['MatMul', ['e', 'adapter'], 'f'],
      ['MatMul', ['f', 'twin'], 'g'],
      ['Tanh', ['x'], 'h'],
      ['MatMul', ['h', 'twin'], 'i'],
      ['Mul', ['g', 'i'], 'j'],
      ['MatMul', ['j', 'head'], 'y'],
    ],
  );
  const file = workspace.model('uses.onnx', graph);
  const data = workspace.npz('uses.npz', {
    x: { shape: [9, 4], data: Float32Array.from({ length: 36 }, () => random.normal()) },
    labels: { shape: [9], data: BigInt64Array.from({ length: 9 }, (_, i) => BigInt(i % 3)) },
  });
  const ready = setUp(openModel(file), { data, loss: 'auto', batch: 4, seed: 0, executionProvider: 'cpu' });

  test('have the blocks’ own forms for their mean over all signs of the layers’ parts', async () => {
    const { problem, reached } = await ready;
    assert.deepEqual(
      reached.map(l => l.initializer).sort(),
      ['down', 'first', 'head', 'tied', 'twin', 'up'],
      'all six are layers',
    );
    const v = reached.map((_, l) => rademacherDirection(reached, 1)(0, l));
    // With the sign of one layer kept, the other 32 are those of −v again.
    const signsOf = (pattern: number): number[] => reached.map((_, l) => ((pattern >> l) & 1 ? -1 : 1));
    const patterns = Array.from({ length: 2 ** (reached.length - 1) }, (_, k) => k);
    const expected = await ownForms(await ready, reached, v);
    for (const kind of ['block', 'row'] as const) {
      const forms = await quadraticForms(problem, reached, kind, 4, (k, l) =>
        v[l].map(x => x * signsOf(k)[l]),
      );
      const mean = reached.map(() => 0);
      for (let k = 0; k < patterns.length; k += 4)
        for (const perLayer of await forms.sample(patterns.slice(k, k + 4)))
          perLayer.forEach((form, l) => (mean[l] += form / patterns.length));
      await forms.dispose();
      assertNear(reached, mean, expected);
    }
  });

  test('are exact along one layer alone', async () => {
    const { problem, reached } = await ready;
    const direction = rademacherDirection(reached, 2);
    const expected = await ownForms(
      await ready,
      reached,
      reached.map((_, l) => direction(0, l)),
    );
    const alone = (k: number, l: number): Float32Array =>
      k === l ? direction(0, l) : new Float32Array(reached[l].size);
    const single = await quadraticForms(problem, reached, 'block', 3, alone);
    const found = [...(await single.sample([0, 1, 2])), ...(await single.sample([3, 4, 5]))];
    await single.dispose();
    assertNear(
      reached,
      found.map((perLayer, l) => perLayer[l]),
      expected,
    );
  });
});

for (const [name, data] of [
  ['mlp_digits_legacy.onnx', 'digits_eval.npz'],
  ['vit_digits_dynamo18.onnx', 'digits_eval.npz'],
  ['resnet_mnist_legacy.onnx', 'mnist_eval.npz'],
  ['resnet_mnist_legacy_aliased.onnx', 'mnist_eval.npz'],
]) {
  test(`forms of ${name} along one layer alone are exact, and spread no more than those of the rows`, async () => {
    const ready = await setUp(openModel(`test/fixtures/models/${name}`), {
      ...{
        data: `test/fixtures/models/${data}`,
        loss: 'auto',
        samples: 48,
        seed: 0,
        executionProvider: 'cpu',
      },
    });
    const { problem, reached } = ready;
    const direction = rademacherDirection(reached, 5);
    const expected = await ownForms(
      ready,
      reached,
      reached.map((_, l) => direction(0, l)),
    );
    const single = await quadraticForms(problem, reached, 'block', 1, (k, l) =>
      k === l ? direction(0, l) : new Float32Array(reached[l].size),
    );
    const found: number[] = [];
    for (const l of reached.keys()) found.push((await single.sample([l]))[0][l]);
    await single.dispose();
    assertNear(reached, found, expected);
    // Over the same directions. What is left out is noise, but not without correlation to the rest.
    const variances = async (kind: 'row' | 'block'): Promise<number[]> => {
      const forms = await quadraticForms(problem, reached, kind, 8, direction);
      const moments = reached.map(() => new RunningMoments());
      for (let k = 0; k < DRAWS; k += 8)
        for (const perLayer of await forms.sample(Array.from({ length: 8 }, (_, i) => k + i)))
          perLayer.forEach((form, l) => moments[l].add(form));
      await forms.dispose();
      return moments.map(m => m.stderr ** 2);
    };
    const [block, row] = [await variances('block'), await variances('row')];
    const ratio = block.reduce((sum, variance, l) => sum + variance / row[l], 0) / row.length;
    assert.ok(ratio < 1.01, `${ratio}`);
  });
}
