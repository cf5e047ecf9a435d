import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { analyze, type AnalyzeOptions, parseReport, type Report, stringifyReport } from '../../src/engine';
import { openModel } from '../../src/engine/analysis/model';
import { defaultOptions } from '../../src/engine/analysis/options';
import { quantizedLayers } from '../../src/engine/analysis/quantizedLayers';
import { openDataset } from '../../src/engine/data/dataset';
import { float32Tensor, type Tensor } from '../../src/engine/onnx/tensor';
import { Session } from '../../src/engine/runtime/session';
import { Rng } from '../../src/engine/util/rng';
import { readFileSync } from 'node:fs';
import { assertClose } from '../support/assertions';
import { input, makeGraph, recurrentGraph, Workspace } from '../support/models';

const workspace = new Workspace();
after(() => workspace.remove());
const random = Rng.of(11, 'metrics');
const normals = (...shape: number[]): Tensor & { data: Float32Array } =>
  float32Tensor(shape, random.normals(shape.reduce((a, b) => a * b, 1))) as never;
const SAMPLES = 40;

const run = (model: string, data: string, options: Partial<AnalyzeOptions> = {}): Promise<Report> =>
  analyze({
    ...{ ...defaultOptions, model, data, metrics: true, eigenvalues: 0, executionProvider: 'cpu' },
    ...options,
  });

describe('linear regression, whose loss is its own second-order expansion', async () => {
  const model = workspace.model(
    'linear.onnx',
    makeGraph([input('x', 'N', 6)], { first: normals(6, 5), second: normals(6, 5), bias: normals(5) }, [
      ['MatMul', ['x', 'first'], 'a'],
      ['MatMul', ['x', 'second'], 'b'],
      ['Add', ['a', 'b'], 'sum'],
      ['Add', ['sum', 'bias'], 'y'],
    ]),
  );
  const data = workspace.npz('linear.npz', {
    x: { shape: [SAMPLES, 6], data: normals(SAMPLES, 6).data },
    targets: { shape: [SAMPLES, 5], data: normals(SAMPLES, 5).data },
  });
  const report = await run(model, data, { bits: [2, 3, 4, 8], matrix: 'both' });
  const metricOf = (layer: number, name: 'deltaLoss' | 'expansion' | 'divergence', bits: number): number =>
    report.layers[layer].metrics![name]![String(bits)].value;

  test('the loss rises by exactly gᵀδ + ½ δᵀHδ, layer by layer', () => {
    for (const l of [0, 1])
      for (const bits of [2, 3, 4, 8]) {
        // The loss is about 15, rounded to 1e-6 of it per sample.
        const found = metricOf(l, 'deltaLoss', bits);
        const expected = metricOf(l, 'expansion', bits);
        assert.ok(Math.abs(found - expected) < 1e-5 * Math.abs(expected) + 1e-6, `${found}, ${expected}`);
      }
  });

  test('and all layers together by that and what lies between them', () => {
    for (const { bits, expansion, deltaLoss } of report.metrics!.uniform) {
      const { linear, quadratic, interactions } = expansion!;
      assert.ok(Math.abs(deltaLoss.value - linear - quadratic) < 1e-5 * Math.abs(quadratic) + 2e-6);
      const alone = [0, 1].reduce((sum, l) => sum + metricOf(l, 'expansion', bits), 0);
      assert.ok(Math.abs(linear + quadratic - interactions - alone) < 1e-5 * Math.abs(quadratic) + 2e-6);
    }
  });

  test('what the outputs change by is the expansion without the slope', () => {
    // The Hessian is the Gauss–Newton matrix: (1/N) Σ ‖δ x‖²/k = ½ δᵀHδ.
    for (const { bits, expansion, divergence } of report.metrics!.uniform)
      assertClose(divergence.value, expansion!.quadratic, 2e-5, `${bits} bits`);
  });

  test('sensitivities at coarse widths are twice the measured divergence, Ω above', () => {
    report.layers.forEach((layer, l) => {
      for (const bits of ['2', '3'])
        assert.equal(layer.sensitivity[bits], 2 * metricOf(l, 'divergence', Number(bits)));
      for (const bits of ['4', '8'])
        assertClose(layer.sensitivity[bits], layer.averageTrace! * layer.quantizationError[bits], 1e-12);
    });
  });

  test('such a report can be read back', () => {
    assert.deepEqual(parseReport(stringifyReport(report)), report);
  });
});

describe('a model with class labels', async () => {
  const model = 'media/sample/digits_cnn.onnx';
  const data = 'media/sample/digits_cnn.npz';
  const report = await run(model, data, { samples: 100, bits: [2, 4], seed: 3 });

  /** Losses by a model file whose weights are really changed, in float64 from its float32 logits. */
  async function lossOf(layer: string, bits: number | undefined): Promise<number> {
    const opened = openModel(model);
    const { inputs } = opened.graph;
    const found = opened.layers.find(l => l.name === layer)!;
    const weight =
      bits === undefined
        ? undefined
        : float32Tensor(found.shape, quantizedLayers(opened, 'auto').weightAt(found, bits));
    const initializers = new Map(opened.graph.initializers);
    if (weight) initializers.set(found.initializer, weight);
    const session = await Session.create({ ...opened.graph, initializers });
    const dataset = openDataset(readFileSync(data), 'digits', { inputs, samples: 100 });
    const x = dataset.inputs.get(inputs[0].name)!;
    const results = await session.run({
      [inputs[0].name]: { elemType: 'float32', shape: x.shape, data: x.data },
    });
    await session.dispose();
    const { data: logits, shape } = Object.values(results)[0];
    const labels = dataset.labels!.data;
    let total = 0;
    for (let i = 0; i < 100; i++) {
      const row = Array.from(logits.subarray(i * shape[1], (i + 1) * shape[1]) as Float32Array, Number);
      const largest = Math.max(...row);
      const logSum = largest + Math.log(row.reduce((sum, z) => sum + Math.exp(z - largest), 0));
      total += logSum - row[Number(labels[i])];
    }
    return total / 100;
  }

  test('has the changes of the loss that ONNX Runtime finds in changed files', async () => {
    for (const layer of report.layers)
      for (const bits of [2, 4]) {
        const expected = (await lossOf(layer.name, bits)) - (await lossOf(layer.name, undefined));
        const found = layer.metrics!.deltaLoss![String(bits)].value;
        assert.ok(
          Math.abs(found - expected) < 1e-5 * Math.abs(expected) + 1e-6,
          `${layer.name}: ${found}, ${expected}`,
        );
      }
  });

  test('has all metrics but the one of the matrix that was not asked for, and all correlations', () => {
    const names = Object.keys(report.layers[0].metrics!).sort();
    assert.deepEqual(names, [
      'deltaLoss',
      'divergence',
      'expansion',
      'fit',
      'inputWeighted',
      'omegaGgn',
      'sqnr',
    ]);
    assert.equal(report.metrics!.correlations.length, (7 * 6) / 2);
  });

  test('without metrics only the coarse widths are measured; and none where none are asked for', async () => {
    const options = { samples: 100, bits: [2, 4], seed: 3, metrics: false };
    const plain = await run(model, data, options);
    assert.equal(plain.metrics, undefined);
    assert.deepEqual(Object.keys(plain.layers[0].metrics!.divergence!), ['2']);
    assert.deepEqual(
      plain.layers.map(l => l.sensitivity),
      report.layers.map(l => l.sensitivity),
    );
    const never = await run(model, data, { ...options, measureUpTo: 0 });
    assert.equal(never.layers[0].metrics, undefined);
    assertClose(
      never.layers[0].sensitivity['2'],
      never.layers[0].averageTrace! * never.layers[0].quantizationError['2'],
      1e-12,
    );
  });
});

test('layers without derivatives are measured by running the model', async () => {
  const model = workspace.model('recurrent.onnx', recurrentGraph(normals));
  const data = workspace.npz('recurrent.npz', { x: { shape: [12, 3, 6], data: normals(12, 3, 6).data } });
  const report = await run(model, data, { bits: [2, 8] });
  for (const layer of report.layers.filter(l => l.method === 'differences')) {
    assert.ok(layer.metrics!.divergence!['2'].value > layer.metrics!.divergence!['8'].value, layer.name);
    assert.equal(layer.metrics!.expansion, undefined);
  }
  assert.deepEqual(
    report.diagnostics.filter(d => d.code === 'stage-failed'),
    [],
  );
});
