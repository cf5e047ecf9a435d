import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Report } from '../../src/engine/report/schema';
import type { Training } from '../../src/engine/training/optimizers';
import { aStability } from '../support/stability';
import { aLayer, aReport } from '../support/vscode/reports';
import { activated, eventually, hoverText, inWorkspace } from '../support/vscode/host';

const write = (name: string, value: unknown): Thenable<void> =>
  vscode.workspace.fs.writeFile(inWorkspace(name), Buffer.from(JSON.stringify(value, null, 2)));

/** A project of its own: plain SGD on its one model is stable below lr 0.168 with batches of 16, and unstable above 0.2. */
async function project(folder: string, training: Partial<Training>): Promise<vscode.TextDocument> {
  const report: Report = { ...aReport([aLayer('a', 16, 8)]), studies: { stability: aStability() } };
  await write(`${folder}/net.curvature.json`, report);
  await write(`${folder}/curvature.json`, { training });
  const document = await vscode.workspace.openTextDocument(inWorkspace(`${folder}/curvature.json`));
  await vscode.window.showTextDocument(document);
  return document;
}

const ours = (document: vscode.TextDocument): vscode.Diagnostic[] =>
  vscode.languages.getDiagnostics(document.uri).filter(({ source }) => source === 'curvature');
const problem = (document: vscode.TextDocument, code: string): Promise<vscode.Diagnostic> =>
  eventually(code, () => ours(document).find(one => one.code === code));
const nothing = (document: vscode.TextDocument): Promise<true> =>
  eventually('no problem', () => ours(document).length === 0 || undefined);

async function edit(document: vscode.TextDocument, from: string, to: string): Promise<void> {
  const at = document.getText().indexOf(from);
  assert.ok(at >= 0, `${from} in ${document.getText()}`);
  const range = new vscode.Range(document.positionAt(at), document.positionAt(at + from.length));
  const change = new vscode.WorkspaceEdit();
  change.replace(document.uri, range, to);
  assert.ok(await vscode.workspace.applyEdit(change));
}

const actions = (document: vscode.TextDocument, range: vscode.Range): Thenable<vscode.CodeAction[]> =>
  vscode.commands.executeCommand('vscode.executeCodeActionProvider', document.uri, range);

describe('training settings in curvature.json', () => {
  before(activated);

  it('are judged as they are typed, by what was measured of the models beside them', async () => {
    const document = await project('typed', { learningRate: 0.25, batchSize: 16, optimizer: 'sgd' });
    const unstable = await problem(document, 'unstable');
    assert.equal(unstable.severity, vscode.DiagnosticSeverity.Error);
    assert.match(
      unstable.message,
      /^net\.onnx: SGD at lr 0\.25 is linearly unstable here: λmax 10 ± 0\.001 > 8\./,
    );
    assert.equal(document.getText(unstable.range), '"learningRate": 0.25');
    await edit(document, '0.25', '0.19');
    assert.equal(document.isDirty, true);
    const warning = await problem(document, 'edge-of-stability');
    assert.equal(warning.severity, vscode.DiagnosticSeverity.Warning);
    await edit(document, '16', '1024');
    await nothing(document);
  });

  it('are mended by quick fixes', async () => {
    const document = await project('mended', { learningRate: 0.19, batchSize: 16 });
    const warning = await problem(document, 'edge-of-stability');
    const offered = await actions(document, warning.range);
    const titled = (title: RegExp): vscode.CodeAction =>
      offered.find(one => title.test(one.title)) ?? assert.fail(offered.map(one => one.title).join());
    assert.ok(titled(/^Set the learning rate to 0\.16 \(stable\)$/).isPreferred);
    assert.ok(titled(/^Set the batch size to 64 \(stable\)$/));
    const suggested = titled(/^Set the learning rate to 0\.171 and the momentum to 0\.67 \(suggested\)$/);
    assert.ok(suggested.edit && (await vscode.workspace.applyEdit(suggested.edit)));
    const { training } = JSON.parse(document.getText()) as { training: Training };
    assert.deepEqual([training.learningRate, training.momentum, training.optimizer], [0.171, 0.67, 'sgd']);
    await nothing(document);
  });

  it('of another kind of optimizer have to be measured', async () => {
    const document = await project('other', { learningRate: 0.19, batchSize: 16, optimizer: 'adam' });
    const other = await problem(document, 'not-measured');
    assert.equal(other.severity, vscode.DiagnosticSeverity.Information);
    assert.equal(document.getText(other.range), '"optimizer": "adam"');
    const [measure] = (await actions(document, other.range)).filter(({ command }) => command);
    assert.equal(measure?.command?.command, 'curvature.measureStability');
  });

  it('tell when hovered what they do', async () => {
    const document = await project('hovered', { learningRate: 0.1, batchSize: 16 });
    const at = document.positionAt(document.getText().indexOf('batchSize') + 1);
    const text = await hoverText(document.uri, at);
    assert.match(text, /\*\*Stable\.\*\* SGD at lr 0\.1 is linearly stable here/);
    assert.match(text, /critical batch size 4/);
  });
});
