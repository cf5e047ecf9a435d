import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { analysisOf, analyze, eventually, hoverText, inWorkspace, textOf } from '../support/vscode/host';

const name = 'digits_cnn.onnx';
const uri = (): vscode.Uri => textOf(inWorkspace(name));

/** The line where a weight is used. */
const lineOf = (document: vscode.TextDocument, weight: string): number =>
  document
    .getText()
    .split('\n')
    .findIndex(line => !line.startsWith('//') && line.includes(weight));

const hoverAt = (line: number): Promise<string> => hoverText(uri(), new vscode.Position(line, 3));

describe('the text of a model', () => {
  let document: vscode.TextDocument;
  before(async () => {
    const analysis = await analysisOf(name);
    if (analysis.state.phase !== 'done') await analyze(name);
    await vscode.commands.executeCommand('curvature.showModelText', inWorkspace(name));
    document = await vscode.workspace.openTextDocument(uri());
  });

  it('has the language and one line per node', async () => {
    const { report } = await analysisOf(name);
    assert.equal(document.languageId, 'curvature-model');
    assert.match(document.lineAt(0).text, /^\/\/ digits_cnn\.onnx/);
    const nodes = document
      .getText()
      .split('\n')
      .filter(line => line.includes(' = '));
    assert.equal(nodes.length, report?.model.nodes);
  });

  it('is shown in an editor', () => {
    const shown = vscode.window.visibleTextEditors.map(editor => editor.document.uri.toString());
    assert.ok(shown.includes(uri().toString()), shown.join());
  });

  it('tells a layer’s trace, Ω and bits when hovered', async () => {
    const { report } = await analysisOf(name);
    for (const layer of report?.layers ?? []) {
      const text = await hoverAt(lineOf(document, layer.initializer));
      assert.match(text, /Trace \(GGN\)/, layer.name);
      assert.match(text, new RegExp(`Suggested: \\*\\*${layer.bits} bits\\*\\*`), layer.name);
      assert.match(text, /\| bits \|[^|]*Ω \|[^|]*size \|/, layer.name);
      const args = encodeURIComponent(JSON.stringify([uri().toString(), layer.name]));
      assert.ok(text.includes(`[Spectrum of this layer](command:curvature.layerSpectrum?${args})`), text);
    }
  });

  it('says nothing on lines without a layer', async () => {
    assert.equal(await hoverAt(0), '');
  });

  it('offers the analysis where there is none', async () => {
    const other = textOf(inWorkspace('wrong_labels.onnx'));
    const text = await vscode.workspace.openTextDocument(other);
    const position = new vscode.Position(lineOf(text, 'weight'), 3);
    assert.match(
      await hoverText(other, position),
      /Not analysed yet.*\(command:curvature\.analyzeCurvature\?/,
    );
  });

  it('shows bits and trace at the end of each layer’s line', async () => {
    const { report } = await analysisOf(name);
    const whole = new vscode.Range(0, 0, document.lineCount, 0);
    const hints = await vscode.commands.executeCommand<vscode.InlayHint[]>(
      'vscode.executeInlayHintProvider',
      uri(),
      whole,
    );
    assert.equal(hints.length, report?.layers.length);
    for (const hint of hints)
      assert.match(typeof hint.label === 'string' ? hint.label : '', /^\d+ bits · trace [\d.e-]+/);
  });

  it('puts the most sensitive layers into Problems', async () => {
    const { report } = await analysisOf(name);
    const warnings = await eventually('diagnostics', () => {
      const found = vscode.languages
        .getDiagnostics(uri())
        .filter(diagnostic => diagnostic.code === 'sensitive-layer');
      return found.length > 0 && found;
    });
    for (const warning of warnings) {
      const [, layer] =
        /^(\S+): \d+ bits here would cost [\d.]+ % of the predicted loss increase; keep \d+\.$/.exec(
          warning.message,
        ) ?? [];
      const reported = report?.layers.find(each => each.name === layer);
      assert.ok(reported, warning.message);
      assert.equal(warning.range.start.line, lineOf(document, reported.initializer));
      assert.equal(warning.severity, vscode.DiagnosticSeverity.Warning);
    }
  });

  it('says why a broken model can’t be read', async () => {
    const text = await vscode.workspace.openTextDocument(textOf(inWorkspace('truncated.onnx')));
    assert.match(text.getText(), /^\/\/ truncated\.onnx\n\/\/ .{10,}/);
  });
});
