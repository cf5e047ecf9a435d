import assert from 'node:assert/strict';
import path from 'node:path';
import { after, test } from 'node:test';
import * as ort from 'onnxruntime-node';
import { blockedDiagnostics } from '../../src/engine/analysis/blockedLayout';
import { openModel, requireLayers } from '../../src/engine/analysis/model';
import { setUp } from '../../src/engine/analysis/setUp';
import { hessianOperator } from '../../src/engine/curvature/products';
import { qualifiedOpType } from '../../src/engine/graph/graph';
import { float32Tensor } from '../../src/engine/onnx/tensor';
import { curvatureError } from '../support/assertions';
import { input, makeGraph, type NodeSpec, Workspace } from '../support/models';

const workspace = new Workspace();
after(() => workspace.remove());

/** Files that ONNX Runtime's optimizer has written, with its own operators in place of standard ones. */
const models: readonly [name: string, data: string, fused: readonly string[]][] = [
  ['mlp_digits_legacy', 'digits_eval.npz', ['com.microsoft::FusedGemm']],
  ['vit_digits_legacy', 'digits_eval.npz', ['com.microsoft::BiasGelu', 'com.microsoft::FusedMatMul']],
  ['resnet_mnist_folded_legacy', 'mnist_eval.npz', ['com.microsoft::FusedConv']],
];

/** Hv over all layers with v = 1, by the layer's initializer. */
async function product(file: string, data: string): Promise<Map<string, Float64Array>> {
  const { problem, parameters } = await setUp(openModel(file), {
    data: `test/fixtures/models/${data}`,
    loss: 'auto',
    samples: 32,
    seed: 0,
    executionProvider: 'cpu',
  });
  const weights = parameters.filter(p => p.shape.length > 1).sort((p, q) => (p.name < q.name ? -1 : 1));
  const operator = await hessianOperator(problem, weights);
  const hv = await operator.apply(new Float64Array(operator.size).fill(1));
  await operator.dispose();
  let start = 0;
  return new Map(weights.map(w => [w.name, Float64Array.from(hv.subarray(start, (start += w.size)))]));
}

for (const [name, data, fused] of models) {
  test(`${name} as ONNX Runtime's optimizer writes it has the same curvature`, async () => {
    const original = `test/fixtures/models/${name}.onnx`;
    const optimized = path.join(workspace.folder, `${name}.onnx`);
    const session = await ort.InferenceSession.create(original, {
      graphOptimizationLevel: 'extended',
      optimizedModelFilePath: optimized,
      logSeverityLevel: 3,
    });
    await session.release();
    const operators = openModel(optimized).graph.nodes.map(qualifiedOpType);
    for (const operator of fused) assert.ok(operators.includes(operator), `no ${operator} in the file`);
    const [expected, found] = [await product(original, data), await product(optimized, data)];
    // The optimizer gives names of its own to what it folds, such as transposed weights.
    const shared = [...expected].filter(([weight]) => found.has(weight));
    assert.ok(shared.length > 0, 'no weight kept its name');
    for (const [weight, hv] of shared) {
      const difference = hv.map((x, i) => x - found.get(weight)![i]);
      const largest = Math.max(...hv.map(Math.abs));
      assert.ok(Math.max(...difference.map(Math.abs)) <= 1e-4 * largest, `Hv of ${weight}`);
    }
  });
}

const nchwc = 'com.microsoft.nchwc';
const blocked = (name: string): NodeSpec => ['Conv', ['x', 'kernel'], name, {}, nchwc];
const kernel = float32Tensor([16, 16, 3, 3], new Float32Array(2304));

test('a file in the blocked layout of one processor is told from one without layers', () => {
  const graph = makeGraph([input('x', 1, 16, 8, 8)], { kernel }, [blocked('y')]);
  assert.throws(
    () => requireLayers(openModel(workspace.model('blocked.onnx', graph))),
    curvatureError(
      'model-unsupported',
      /blocked\.onnx has no layer to measure\. 1 convolution is in ONNX Runtime's blocked layout/,
    ),
  );
});

test('blocked convolutions beside layers are counted, with what to do', () => {
  const plain: NodeSpec = ['Conv', ['x', 'kernel'], 'y'];
  assert.deepEqual(blockedDiagnostics(makeGraph([input('x', 1, 16, 8, 8)], { kernel }, [plain])), []);
  const graph = makeGraph([input('x', 1, 16, 8, 8)], { kernel }, [blocked('a'), blocked('b'), plain]);
  const [{ severity, message }] = blockedDiagnostics(graph);
  assert.equal(severity, 'warning');
  assert.match(message, /^2 convolutions are .* level "all" .* get no bits\. .* level "extended"/);
});
