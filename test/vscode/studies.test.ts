import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { isOfLayer } from '../../src/engine/report/layerSpectrum';
import { spectrumKey } from '../../src/engine/report/spectrumKey';
import { analysisOf, analyze, eventually, inWorkspace } from '../support/vscode/host';

const model = 'digits_cnn.onnx';
const measure = (command: string): Thenable<unknown> =>
  vscode.commands.executeCommand(`curvature.${command}`, inWorkspace(model));

describe('measuring more of an analysed model', () => {
  before(async () => {
    await analyze(model);
    const training = { learningRate: 0.1, batchSize: 32, momentum: 0.9, optimizer: 'sgd' };
    const project = inWorkspace('curvature.json');
    await vscode.workspace.fs.writeFile(project, Buffer.from(JSON.stringify({ training })));
  });

  it('puts a spectrum, coupling, stability and trust into the report', async () => {
    const { report } = await analysisOf(model);
    for (const command of ['measureSpectrum', 'measureCoupling', 'measureStability', 'measureTrust'])
      await measure(command);
    const { state } = await analysisOf(model);
    assert.equal(state.phase, 'done', state.error?.message);
    assert.equal(state.study, undefined);
    const { studies, ...rest } = state.report ?? assert.fail('no report');
    assert.deepEqual(rest, report);
    assert.equal(studies?.spectra?.[0]?.settings.isWhole, true);
    assert.equal(studies?.coupling?.layers.length, report?.layers.length);
    assert.equal(studies?.stability?.training.momentum, 0.9);
    assert.equal(studies?.trust?.layers.length, report?.layers.length);
  });

  it('turns the page to the spectrum of one layer, measured where it has not been', async () => {
    const analysis = await analysisOf(model);
    const [layer] = analysis.report?.layers ?? [];
    assert.ok(layer);
    const show = () =>
      vscode.commands.executeCommand('curvature.layerSpectrum', inWorkspace(model), layer.name);
    const measured = () => analysis.report?.studies?.spectra?.filter(one => isOfLayer(one, layer.name)) ?? [];
    await show();
    const [found] = measured();
    assert.ok(found);
    const first = analysis.state.askedSpectrum;
    assert.equal(first?.key, spectrumKey(found));
    const { report } = analysis;
    await show();
    assert.equal(analysis.report, report, 'nothing is measured again');
    assert.ok((analysis.state.askedSpectrum?.at ?? 0) > first.at);
  });

  it('cancelled, leaves the report as it was', async () => {
    const analysis = await analysisOf(model);
    const before = analysis.report;
    const running = measure('measureSpectrum');
    while (!analysis.isRunning) await new Promise(resolve => setTimeout(resolve, 10));
    assert.equal(analysis.state.study?.kind, 'spectrum');
    analysis.cancel();
    await running;
    assert.equal(analysis.isRunning, false);
    assert.deepEqual(analysis.report, before);
  });

  it('cut short, is there as far as it went, and goes on from there', async () => {
    const name = 'cancelled.onnx';
    await analyze(name);
    const analysis = await analysisOf(name);
    const measureIt = (...args: unknown[]): Thenable<unknown> =>
      vscode.commands.executeCommand('curvature.measureStability', inWorkspace(name), ...args);
    const running = measureIt({ matrix: 'ggn' });
    await eventually('a partial result', () => analysis.report?.studies?.stability !== undefined);
    analysis.cancel();
    await running;
    assert.equal(analysis.report?.studies?.stability?.complete, false);
    assert.deepEqual(analysis.state.resumable, ['stability']);

    await measureIt({ resume: true });
    const { stability } = analysis.report.studies;
    assert.equal(stability.complete, true);
    assert.equal(stability.settings.matrix, 'ggn');
    assert.equal(analysis.state.resumable, undefined);
  });

  it('analysed again on the same data, keeps what was measured', async () => {
    await analyze(model);
    assert.ok((await analysisOf(model)).report?.studies?.coupling);
  });
});
