import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderFailure, renderModel } from '../../../src/extension/text/modelText';
import { aModel } from '../../support/vscode/reports';

test('one line per node after a header of facts', () => {
  const { text } = renderModel(aModel);
  assert.deepEqual(text.split('\n'), [
    '// net.onnx',
    '// opset 17, made by pytorch 2.7',
    '// 3 nodes, 33\u00a0802 parameters',
    '// input  %input: float32[N, 1, 28, 28]',
    '// output %logits: float32[N, 10]',
    '',
    '%conv1_out = Conv(%input, conv1.weight, _) {pads=[1, 1, 1, 1]}  // /conv1/Conv',
    '%relu_out = Relu(%conv1_out)',
    '%logits = com.example.MatMul(%relu_out, onnx::MatMul_7)  // /fc/MatMul, layer fc',
    '',
  ]);
});

test('an output without a shape is shown by its type alone', () => {
  const outputs = [{ name: 'parts', elemType: 'sequence' }];
  assert.match(renderModel({ ...aModel, outputs }).text, /^\/\/ output %parts: sequence$/m);
});

test('layers and nodes are found by line, and lines by name', () => {
  const { lineOfLayer, lineOfNode, layersAt } = renderModel(aModel);
  assert.deepEqual(
    [...lineOfLayer],
    [
      ['conv1.weight', 6],
      ['fc', 8],
    ],
  );
  assert.deepEqual(
    [...lineOfNode],
    [
      ['/conv1/Conv', 6],
      ['/fc/MatMul', 8],
    ],
  );
  assert.deepEqual(
    [...layersAt],
    [
      [6, ['conv1.weight']],
      [8, ['fc']],
    ],
  );
});

test('a layer used twice stands where it is used first, and has both lines', () => {
  const [conv] = aModel.nodes;
  assert.ok(conv);
  const { lineOfLayer, layersAt } = renderModel({ ...aModel, nodes: [conv, { ...conv, name: 'again' }] });
  assert.equal(lineOfLayer.get('conv1.weight'), 6);
  assert.deepEqual([...layersAt.keys()], [6, 7]);
});

test('names cannot break a line or turn its direction', () => {
  const [conv] = aModel.nodes;
  assert.ok(conv);
  const hostile = { ...conv, name: 'a\nb\u202e', outputs: ['x\r\ny'] };
  const line = renderModel({ ...aModel, nodes: [hostile] }).text.split('\n')[6];
  assert.equal(
    line,
    '%x\\u000d\\u000ay = Conv(%input, conv1.weight, _) {pads=[1, 1, 1, 1]}  // a\\u000ab\\u202e',
  );
});

test('a model that cannot be read has a text that says why', () => {
  const text = renderFailure('bad.onnx', 'It ends after 12 bytes.\nExport it again.');
  assert.equal(text.text, '// bad.onnx\n// It ends after 12 bytes.\n// Export it again.\n');
  assert.equal(text.layersAt.size, 0);
});

test('a node whose output is named after it is not named again', () => {
  const [conv] = aModel.nodes;
  assert.ok(conv);
  const named = { ...conv, name: '/conv1/Conv', outputs: ['/conv1/Conv_output_0'] };
  const line = renderModel({ ...aModel, nodes: [named] }).text.split('\n')[6];
  assert.equal(line, '%/conv1/Conv_output_0 = Conv(%input, conv1.weight, _) {pads=[1, 1, 1, 1]}');
});
