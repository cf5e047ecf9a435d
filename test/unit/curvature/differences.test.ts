import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { analyze } from '../../../src/engine';
import { openModel } from '../../../src/engine/analysis/model';
import { defaultOptions } from '../../../src/engine/analysis/options';
import { setUp } from '../../../src/engine/analysis/setUp';
import { differenceTrace } from '../../../src/engine/analysis/traces';
import { differenceForms } from '../../../src/engine/curvature/differences';
import { matrixOperator } from '../../../src/engine/curvature/products';
import { exactGaussNewtonTrace } from '../../../src/engine/estimators/gaussNewtonTrace';
import { gradientNorms } from '../../../src/engine/curvature/gradientNorms';
import type { Estimate } from '../../../src/engine/estimators/result';
import { float32Tensor, int64Tensor } from '../../../src/engine/onnx/tensor';
import { Rng } from '../../../src/engine/util/rng';
import { dot } from '../../../src/engine/util/vector';
import { makeGraph, type NodeSpec, recurrentGraph, Workspace } from '../../support/models';

const workspace = new Workspace();
after(() => workspace.remove());
const random = Rng.of(9, 'differences test');
const normals = (...shape: number[]) =>
  float32Tensor(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal() / 2),
  );

async function last(
  traces: AsyncGenerator<{ estimates: readonly Estimate[] }>,
): Promise<readonly Estimate[]> {
  let estimates: readonly Estimate[] = [];
  for await (const step of traces) estimates = step.estimates;
  return estimates;
}

describe('on layers whose derivatives are known', () => {
  for (const [name, data, samples, loss] of [
    ['mlp_digits_legacy.onnx', 'digits_eval.npz', 24, 'auto'],
    ['mlp_digits_legacy.onnx', 'digits_eval.npz', 24, 'mse'],
    ['vit_digits_dynamo18.onnx', 'digits_eval.npz', 16, 'kl'],
    ['resnet_mnist_legacy.onnx', 'mnist_eval.npz', 8, 'auto'],
  ] as const) {
    test(`probes of ${name} with ${loss} are vᵀ(Gv), and their mean is off by less than 1 %`, async () => {
      const folder = 'test/fixtures/models';
      const ready = await setUp(openModel(`${folder}/${name}`), {
        data: loss === 'mse' ? undefined : `${folder}/${data}`,
        ...{ loss, samples, seed: 0, executionProvider: 'cpu' },
      });
      const { problem, reached } = ready;
      const forms = await differenceForms(problem, reached, 3);
      const draws = Array.from({ length: 12 }, (_, i) => i);
      for (const [l, layer] of reached.entries()) {
        const operator = await matrixOperator('ggn', problem, [
          { name: layer.initializer, shape: layer.shape, size: layer.size },
        ]);
        const found = await forms.sample(l, draws);
        let [sum, total] = [0, 0];
        for (const draw of draws) {
          assert.equal(found[draw].length, 1, 'all samples are one batch');
          const v = Rng.of(3, 'differences', layer.initializer, draw, 0).rademacher(layer.size);
          const form = dot(v, await operator.apply(v));
          assert.ok(
            Math.abs(found[draw][0] / form - 1) < 0.1,
            `${layer.name}: ${found[draw][0]}, expected ${form}`,
          );
          sum += found[draw][0];
          total += form;
        }
        await operator.dispose();
        const step = await forms.stepOf(l);
        assert.ok(
          Math.abs(sum / total - 1) < 0.01,
          `${layer.name}: ${sum}, expected ${total} (step ${step.relative}, doubt ${step.doubt})`,
        );
      }
      await forms.dispose();
    });
  }

  test('the mean of many probes is the trace, and the error bar tells how far off it is', async () => {
    const { problem, reached } = await setUp(openModel('test/fixtures/models/mlp_digits_legacy.onnx'), {
      data: 'test/fixtures/models/digits_eval.npz',
      ...{ loss: 'auto', samples: 24, batch: 6, seed: 0, executionProvider: 'cpu' },
    });
    const names = reached.map(l => l.name);
    const norms = await gradientNorms(problem, reached, 0);
    const exact = await last(
      exactGaussNewtonTrace(norms.column, { layers: names, columns: norms.columns, seed: 0 }),
    );
    await norms.dispose();
    const forms = await differenceForms(problem, reached, 0);
    for (const [l, name] of names.entries()) {
      const options = { seed: 0, rtol: 0.01, maxProbes: 100 };
      const [{ estimate, stderr }] = await last(differenceTrace(problem, forms, l, name, options));
      assert.ok(stderr < 0.2 * estimate, `${name}: ± ${stderr}`);
      assert.ok(
        Math.abs(estimate - exact[l].estimate) <= 3 * stderr,
        `${name}: ${estimate} ± ${stderr}, expected ${exact[l].estimate}`,
      );
    }
    await forms.dispose();
  });
});

describe('around a recurrent layer', () => {
  const steps = 3;
  const recurrent = recurrentGraph(normals);
  const data = workspace.npz('sequences.npz', {
    x: { shape: [12, steps, 6], data: Float32Array.from({ length: 12 * steps * 6 }, () => random.normal()) },
  });

  const transposed = { perm: { ints: [1, 0] } };
  /** h ← tanh(x Wᵀ + h Rᵀ) */
  const step = (t: number): NodeSpec[] => [
    ['Gather', ['g', `at${t}`], `x${t}`, { axis: { int: 1 } }],
    ['MatMul', [`x${t}`, 'wT'], `xw${t}`],
    ['MatMul', [t === 0 ? 'nothing' : `h${t - 1}`, 'rT'], `hr${t}`],
    ['Add', [`xw${t}`, `hr${t}`], `z${t}`],
    ['Tanh', [`z${t}`], `h${t}`],
  ];
  const spelledOut = makeGraph(
    recurrent.inputs,
    {
      ...Object.fromEntries(recurrent.initializers),
      ...{ zero: int64Tensor([0]), none: float32Tensor([1, 1], [0]) },
      ...Object.fromEntries(Array.from({ length: steps }, (_, t) => [`at${t}`, int64Tensor([t], [])])),
    },
    [
      ['MatMul', ['x', 'before'], 'a'],
      ['Tanh', ['a'], 'g'],
      ['Squeeze', ['w', 'zero'], 'w0'],
      ['Squeeze', ['r', 'zero'], 'r0'],
      ['Transpose', ['w0'], 'wT', transposed],
      ['Transpose', ['r0'], 'rT', transposed],
      ['Expand', ['none', 'five'], 'nothing'],
      ...Array.from({ length: steps }, (_, t) => step(t)).flat(),
      ['MatMul', [`h${steps - 1}`, 'behind'], 'y'],
    ],
  );
  const initializers = new Map([...spelledOut.initializers, ['five', int64Tensor([1, 5])] as const]);

  for (const matrix of ['ggn', 'hessian'] as const) {
    test(`layers behind it have derivatives, it and those before are measured by differences (${matrix})`, async () => {
      const options = { ...defaultOptions, data, rtol: 0.03, maxProbes: 600, eigenvalues: 1, matrix };
      const report = await analyze({
        ...options,
        batch: 3,
        model: workspace.model('recurrent.onnx', recurrent),
      });
      const truth = await analyze({
        ...options,
        matrix: 'ggn',
        model: workspace.model('spelled_out.onnx', { ...spelledOut, initializers }),
      });
      assert.deepEqual(
        report.layers.map(l => [l.name, l.opType, l.method, l.status]),
        [
          ['before', 'MatMul', 'differences', 'analysed'],
          ['w', 'RNN', 'differences', 'analysed'],
          ['r', 'RNN', 'differences', 'analysed'],
          ['behind', 'MatMul', 'exact', 'analysed'],
        ],
      );
      for (const layer of report.layers) {
        const { estimate, stderr } = layer.trace.ggn ?? layer.trace.hessian!;
        const expected = truth.layers.find(l => l.name === layer.name)!.trace.ggn!;
        const error = 3 * Math.hypot(stderr, expected.stderr) + 1e-4 * expected.estimate;
        assert.ok(
          Math.abs(estimate - expected.estimate) <= error,
          `${layer.name}: ${estimate} ± ${stderr}, expected ${expected.estimate} ± ${expected.stderr}`,
        );
        assert.ok(layer.bits !== null);
        if (layer.method === 'differences') assert.match(layer.reason!, /\(RNN\).* has no derivative rule/);
      }
      const codes = report.diagnostics.map(d => d.code);
      assert.ok(codes.includes('no-derivative') && codes.includes('partial-eigenvalues'), codes.join());
      assert.ok(report.complete && !codes.includes('stage-failed'));
    });
  }
});
