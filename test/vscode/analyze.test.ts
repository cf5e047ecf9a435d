import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { parseReport } from '../../src/engine/report/json';
import { analysisOf, analyze, inWorkspace } from '../support/vscode/host';

const tabs = (): unknown[] => vscode.window.tabGroups.all.flatMap(group => group.tabs).map(tab => tab.input);

describe('analysing the sample', () => {
  before(async () => {
    await analyze('digits_cnn.onnx');
  });

  it('gives a whole report with a trace and bits for each layer', async () => {
    const { state } = await analysisOf('digits_cnn.onnx');
    assert.equal(state.phase, 'done', state.error?.message);
    assert.equal(state.report?.complete, true);
    assert.equal(state.report.data.source, 'file');
    assert.ok(state.report.layers.length >= 2);
    for (const layer of state.report.layers) {
      assert.equal(layer.status, 'analysed', `${layer.name}: ${layer.reason}`);
      assert.ok((layer.averageTrace ?? 0) > 0, layer.name);
      assert.ok(layer.bits, layer.name);
    }
  });

  it('shows the panel', () => {
    const panel = tabs().find(input => input instanceof vscode.TabInputCustom);
    assert.equal(panel?.viewType, 'curvature.model');
    assert.equal(panel.uri.toString(), inWorkspace('digits_cnn.onnx').toString());
  });

  for (const format of ['json', 'csv', 'html'] as const) {
    it(`saves the report as ${format}`, async () => {
      const { report } = await analysisOf('digits_cnn.onnx');
      const target = inWorkspace(`saved.${format}`);
      await vscode.commands.executeCommand(
        'curvature.saveReport',
        inWorkspace('digits_cnn.onnx'),
        format,
        target,
      );
      const text = Buffer.from(await vscode.workspace.fs.readFile(target)).toString();
      if (format === 'json') assert.deepEqual(parseReport(text), report);
      for (const layer of report?.layers ?? []) assert.ok(text.includes(layer.name), layer.name);
    });
  }

  it('opens a saved report in a panel of its own', async () => {
    const saved = inWorkspace('digits_cnn.curvature.json');
    await vscode.commands.executeCommand(
      'curvature.saveReport',
      inWorkspace('digits_cnn.onnx'),
      'json',
      saved,
    );
    await vscode.commands.executeCommand('curvature.openReport', saved);
    const panel = tabs().find(
      input => input instanceof vscode.TabInputCustom && input.uri.path === saved.path,
    );
    assert.equal((panel as vscode.TabInputCustom | undefined)?.viewType, 'curvature.report');
  });

  it('keeps the report for the next session', async () => {
    const { report } = await analysisOf('digits_cnn.onnx');
    const again = await analysisOf('digits_cnn.onnx');
    assert.equal(again.report, report);
  });
});
