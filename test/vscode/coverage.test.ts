import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { encodeGraph } from '../../src/engine/graph/toModel';
import { float32Tensor } from '../../src/engine/onnx/tensor';
import { npz } from '../support/npz';
import { input, makeGraph, recurrentGraph } from '../support/models';
import { analysisOf, analyze, eventually, inWorkspace, textOf } from '../support/vscode/host';

const weights = (...shape: number[]) =>
  float32Tensor(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i + 1)),
  );

const problemsOf = (name: string, code: string): Promise<vscode.Diagnostic[]> =>
  eventually(`${code} in ${name}`, () => {
    const found = vscode.languages.getDiagnostics(textOf(inWorkspace(name)));
    const wanted = found.filter(diagnostic => diagnostic.code === code);
    return wanted.length > 0 && wanted;
  });

describe('before any analysis', () => {
  const open = async (name: string, graph: ReturnType<typeof makeGraph>): Promise<vscode.TextDocument> => {
    const outputs = graph.outputs.map(output => input(output, 'N', 4));
    await vscode.workspace.fs.writeFile(inWorkspace(name), encodeGraph(graph, outputs));
    await vscode.commands.executeCommand('curvature.showModelText', inWorkspace(name));
    return vscode.workspace.openTextDocument(textOf(inWorkspace(name)));
  };

  it('an operator without a derivative has a warning on its line', async () => {
    const document = await open('recurrent.onnx', recurrentGraph(weights));
    const [warning] = await problemsOf('recurrent.onnx', 'no-derivative');
    assert.match(document.lineAt(warning.range.start.line).text, / = RNN\(/);
    assert.equal(warning.severity, vscode.DiagnosticSeverity.Warning);
    assert.match(warning.message, /RNN .*no derivative rule.*layers before it are measured by differences/);
    assert.equal((await analysisOf('recurrent.onnx')).report, undefined);
  });

  it('a layer that can’t be measured is told with the reason, at its weight', async () => {
    const graph = makeGraph([input('x', 'N', 6)], { first: weights(6, 6), second: weights(6, 4) }, [
      ['MatMul', ['x', 'first'], 'a'],
      ['Mystery', ['a'], 'b'],
      ['MatMul', ['b', 'second'], 'y'],
    ]);
    const document = await open('mystery.onnx', graph);
    const [layer] = await problemsOf('mystery.onnx', 'not-reached');
    assert.equal(document.getText(layer.range), 'second');
    assert.match(layer.message, /second can't be measured: .*Mystery/);
    const [operator] = await problemsOf('mystery.onnx', 'unknown-operator');
    assert.match(document.lineAt(operator.range.start.line).text, / = Mystery\(/);
  });

  it('a model that an analysis would refuse says why', async () => {
    await open('bare.onnx', makeGraph([input('x', 'N', 6)], {}, [['Relu', ['x'], 'y']]));
    const [refusal] = await problemsOf('bare.onnx', 'not-analysable');
    assert.match(refusal.message, /can't be analyzed: bare\.onnx has no layer/);
  });

  it('and an analysis that follows has the same to say, and the method in its hints', async () => {
    const x = { shape: [4, 3, 6], data: Float32Array.from({ length: 72 }, (_, i) => Math.cos(i)) };
    await vscode.workspace.fs.writeFile(inWorkspace('recurrent.npz'), npz({ x }));
    await analyze('recurrent.onnx');
    const analysis = await analysisOf('recurrent.onnx');
    assert.deepEqual(
      analysis.report?.layers.map(layer => layer.method),
      ['differences', 'differences', 'differences', 'exact'],
    );
    await problemsOf('recurrent.onnx', 'no-derivative');
    const hints = await vscode.commands.executeCommand<vscode.InlayHint[]>(
      'vscode.executeInlayHintProvider',
      textOf(inWorkspace('recurrent.onnx')),
      new vscode.Range(0, 0, 100, 0),
    );
    const labels = hints.map(hint => (typeof hint.label === 'string' ? hint.label : ''));
    assert.ok(
      labels.some(label => / · differences$/.test(label)),
      labels.join(),
    );
  });
});
