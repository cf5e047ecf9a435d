import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { coverage } from '../../src/engine';
import { float32Tensor, int64Tensor } from '../../src/engine/onnx/tensor';
import { failedCoverage } from '../../src/engine/report/coverage';
import { coverageToText, totalsText } from '../../src/engine/report/coverageText';
import { Rng } from '../../src/engine/util/rng';
import { curvatureError } from '../support/assertions';
import { input, makeGraph, recurrentGraph, Workspace } from '../support/models';

const workspace = new Workspace();
after(() => workspace.remove());
const random = Rng.of(2, 'coverage');
const weights = (...shape: number[]) =>
  float32Tensor(shape, Rng.of(random.bits()).normals(shape.reduce((a, b) => a * b, 1)));

const recurrent = () => coverage(workspace.model('recurrent.onnx', recurrentGraph(weights)));
const around = (opType: string) =>
  coverage(
    workspace.model(
      `${opType}.onnx`,
      makeGraph([input('x', 'N', 6)], { first: weights(6, 6), second: weights(6, 4) }, [
        ['MatMul', ['x', 'first'], 'a'],
        [opType, ['a'], 'b'],
        ['MatMul', ['b', 'second'], 'y'],
      ]),
    ),
  );

describe('coverage', () => {
  test('names the operand that a rule needs beforehand and the model computes from its data', async () => {
    const graph = makeGraph(
      [input('x', 'N', 6)],
      { first: weights(6, 6), second: weights(6, 4), zero: float32Tensor([], [0]), one: int64Tensor([1]) },
      [
        ['MatMul', ['x', 'first'], 'a'],
        ['ReduceMax', ['a'], 'largest', { keepdims: { int: 0 } }],
        ['Greater', ['largest', 'zero'], 'decided'],
        ['Cast', ['decided'], 'number', { to: { int: 7 } }],
        ['Reshape', ['number', 'one'], 'axis'],
        ['ReduceSum', ['a', 'axis'], 'b', { keepdims: { int: 1 } }],
        ['MatMul', ['a', 'second'], 'c'],
        ['Add', ['c', 'b'], 'y'],
      ],
    );
    const { layers } = await coverage(workspace.model('computedAxes.onnx', graph));
    assert.match(layers.find(l => l.name === 'first')!.reason!, /"axis" is computed when the model runs/);
  });

  test('is told for a model that runs no fewer samples than it was traced with', async () => {
    const graph = makeGraph(
      [input('x', 'N', 6)],
      { first: weights(6, 6), second: weights(6, 4), rows: int64Tensor([0, 1]) },
      [
        ['MatMul', ['x', 'first'], 'a'],
        ['Gather', ['a', 'rows'], 'b', { axis: { int: 0 } }],
        ['MatMul', ['b', 'second'], 'y'],
      ],
    );
    const { layers, complete } = await coverage(workspace.model('pair.onnx', graph));
    assert.deepEqual(
      layers.map(l => l.method),
      ['exact', 'exact'],
    );
    assert.ok(complete);
  });

  test('tells how each layer will be measured, and why not exactly', async () => {
    const { layers, parameters, complete, operators } = await recurrent();
    assert.deepEqual(
      layers.map(l => [l.name, l.method, l.parameters]),
      [
        ['before', 'differences', 24],
        ['w', 'differences', 20],
        ['r', 'differences', 25],
        ['behind', 'exact', 20],
      ],
    );
    assert.deepEqual(parameters, { total: 89, exact: 20, ggn: 0, differences: 69, none: 0, aside: 0 });
    assert.ok(complete);
    assert.match(layers[0].reason!, /"all" \(RNN\)/);
    assert.equal(layers[3].reason, undefined);
    assert.deepEqual(
      operators.map(o => [o.opType, o.count, o.support]),
      [
        ['MatMul', 2, 'exact'],
        ['Gather', 1, 'exact'],
        ['RNN', 1, 'differences'],
        ['Squeeze', 1, 'exact'],
        ['Tanh', 1, 'exact'],
        ['Transpose', 1, 'exact'],
      ],
    );
  });

  test('counts the operators of the file: one that is spelled out in others is exact', async () => {
    const graph = makeGraph(
      [input('x', 'N', 4, 8, 8)],
      {
        w: weights(4, 4, 3, 3),
        one: float32Tensor([4], [1, 1, 1, 1]),
        zero: float32Tensor([4], [0, 0, 0, 0]),
      },
      [
        ['Conv', ['x', 'w'], '/body/conv'],
        ['InstanceNormalization', ['/body/conv', 'one', 'zero'], '/body/conv/norm'],
        ['Shape', ['/body/conv/norm'], 'shape'],
        ['Reshape', ['/body/conv/norm', 'shape'], 'y'],
      ],
    );
    const { operators } = await coverage(workspace.model('norm.onnx', graph));
    assert.deepEqual(
      operators.map(o => [o.opType, o.support]),
      [
        ['Conv', 'exact'],
        ['InstanceNormalization', 'exact'],
        ['Reshape', 'exact'],
        ['Shape', 'zero'],
      ],
    );
  });

  test('an operator that is flat by definition is zero, one that ONNX Runtime does not know is none', async () => {
    const flat = await around('Round');
    assert.equal(flat.operators.find(o => o.opType === 'Round')!.support, 'zero');
    assert.ok(flat.complete);
    const unknown = await around('Mystery');
    assert.equal(unknown.operators.find(o => o.opType === 'Mystery')!.support, 'none');
    assert.ok(!unknown.complete);
    assert.deepEqual(unknown.parameters, {
      total: 60,
      exact: 36,
      ggn: 0,
      differences: 0,
      none: 24,
      aside: 0,
    });
    assert.match(unknown.layers[1].reason!, /Mystery/);
  });

  test('a layer that no output needs has no part in the loss', async () => {
    const graph = makeGraph([input('x', 'N', 6)], { first: weights(6, 6), second: weights(6, 4) }, [
      ['MatMul', ['x', 'first'], 'a'],
      ['MatMul', ['x', 'second'], 'y'],
    ]);
    const { layers } = await coverage(workspace.model('two.onnx', { ...graph, outputs: ['y'] }));
    assert.deepEqual(
      layers.map(l => [l.method, l.reason]),
      [
        ['none', 'The loss does not depend on this layer.'],
        ['exact', undefined],
      ],
    );
  });

  test('refuses what an analysis refuses', async () => {
    const graph = makeGraph([input('x', 'N', 6)], {}, [['Relu', ['x'], 'y']]);
    await assert.rejects(
      coverage(workspace.model('bare.onnx', graph)),
      curvatureError('model-unsupported', /no layer with float weights/),
    );
  });
});

test('the table of a model, and the line below all of them', async () => {
  const found = { ...(await recurrent()), model: 'rnn.onnx' };
  assert.equal(
    coverageToText(found),
    [
      'rnn.onnx: 4 of 4 layers measured; 22.47 % of 89 weights exact, 77.53 % by differences.',
      '  operator   nodes  derivatives',
      '  MatMul         2  exact',
      '  Gather         1  exact',
      '  RNN            1  differences',
      '  Squeeze        1  exact',
      '  Tanh           1  exact',
      '  Transpose      1  exact',
      '  by differences: before, w, r. Node "all" (RNN), on its way to the loss, has no derivative rule.',
      '',
    ].join('\n'),
  );
  const failed = failedCoverage('bad.onnx', 'It is no model.');
  assert.equal(coverageToText(failed), 'bad.onnx: It is no model.\n');
  assert.equal(
    totalsText([found, failed]),
    '2 models: 1 complete, 1 failed; 22.47 % of 89 weights exact, 77.53 % by differences.\n',
  );
  assert.match(totalsText([failed]), /^1 model: 0 complete, 1 failed; no weights\.\n$/);
});
