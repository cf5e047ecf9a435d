import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Comparison } from '../../src/extension/compare/comparison';
import {
  activated,
  analysisOf,
  analyze,
  catchingErrors,
  eventually,
  inWorkspace,
} from '../support/vscode/host';

const compare = (...args: unknown[]): Thenable<Comparison> =>
  vscode.commands.executeCommand('curvature.compareReports', ...args);

async function save(name: string, target: string): Promise<vscode.Uri> {
  const file = inWorkspace(target);
  await vscode.commands.executeCommand('curvature.saveReport', inWorkspace(name), 'json', file);
  return file;
}

const tabs = (): vscode.Tab[] => vscode.window.tabGroups.all.flatMap(group => group.tabs);

describe('comparing reports', () => {
  let a: vscode.Uri;
  let b: vscode.Uri;
  before(async () => {
    await activated();
    for (const name of ['digits_cnn.onnx', 'killed.onnx'])
      if ((await analysisOf(name)).state.phase !== 'done') await analyze(name);
    a = await save('digits_cnn.onnx', 'a.curvature.json');
    b = await save('killed.onnx', 'b.curvature.json');
  });
  after(async () => {
    for (const file of [a, b]) await vscode.workspace.fs.delete(file);
  });

  it('opens two that are selected in the Explorer in a tab of their own', async () => {
    const comparison = await compare(a, [a, b]);
    const { title, comparison: found, error } = comparison.state;
    assert.equal(error, undefined);
    assert.equal(title, 'a.curvature.json ↔ b.curvature.json');
    // The two models are the same bytes, on the same arrays in two files.
    assert.equal(found?.isOneModel, true);
    const { report } = await analysisOf('digits_cnn.onnx');
    assert.deepEqual(
      found?.layers.map(({ name }) => name),
      report?.layers.map(({ name }) => name),
    );
    assert.ok(found?.layers.every(({ differs }) => !differs));
    await eventually('the tab', () => tabs().some(({ label }) => label === title));
  });

  it('follows a report that is written anew, and takes a model by its last analysis', async () => {
    const comparison = await compare(inWorkspace('digits_cnn.onnx'), b);
    const samples = comparison.state.comparison?.b.samples ?? 0;
    const text = Buffer.from(await vscode.workspace.fs.readFile(b)).toString();
    const report = JSON.parse(text) as { samples: number };
    await vscode.workspace.fs.writeFile(b, Buffer.from(JSON.stringify({ ...report, samples: samples + 1 })));
    await eventually('the change', () => comparison.state.comparison?.b.samples === samples + 1);
    await vscode.workspace.fs.writeFile(b, Buffer.from(text));
    await eventually('the old one', () => comparison.state.comparison?.b.samples === samples);
  });

  it('measures the Hessians of the last layer, and of equal models and data finds no difference', async () => {
    const comparison = await compare(a, [a, b]);
    const phaseOf = (): string => comparison.state.hessians.phase;
    assert.equal(phaseOf(), 'idle');
    const phases = new Set<string>();
    comparison.onDidChange(() => phases.add(phaseOf()));
    await comparison.compareHessians();
    const { hessians } = comparison.state;
    assert.ok(hessians.phase === 'done', JSON.stringify(hessians));
    const { difference, a: one, overlap, gradientCosine } = hessians.comparison;
    // Float32: the noise of a product is about 1e-6 of its length.
    const [top] = one.eigenvalues;
    assert.ok(Math.abs(difference.value) < 1e-5 * (top?.value ?? 0), String(difference.value));
    assert.ok(overlap > 1 - 1e-4 && gradientCosine > 1 - 1e-6);
    assert.deepEqual(hessians.notes, []);
    assert.ok(phases.has('running'));
  });

  it('can be cancelled, and then gone on with', async () => {
    const comparison = await compare(a, [a, b]);
    const running = comparison.compareHessians();
    await eventually('the start', () => comparison.state.hessians.phase === 'running');
    comparison.cancel();
    await running;
    assert.equal(comparison.state.hessians.phase, 'idle');
    await comparison.compareHessians();
    assert.equal(comparison.state.hessians.phase, 'done');
  });

  it('says what is missing where a model is not at hand', async () => {
    const text = Buffer.from(await vscode.workspace.fs.readFile(a)).toString();
    const moved = inWorkspace('moved.curvature.json');
    const report = JSON.parse(text) as { model: object };
    const model = { ...report.model, file: 'elsewhere.onnx' };
    await vscode.workspace.fs.writeFile(moved, Buffer.from(JSON.stringify({ ...report, model })));
    const { hessians } = (await compare(moved, b)).state;
    await vscode.workspace.fs.delete(moved);
    assert.ok(hessians.phase === 'unavailable');
    assert.match(hessians.reason, /^elsewhere\.onnx is neither beside its report nor in the workspace/);
  });

  it('refuses more than two, and tells of a report that is none', async () => {
    await catchingErrors(
      () => undefined,
      async shown => {
        await compare(a, [a, b, inWorkspace('digits_cnn.onnx')]);
        await eventually('an error', () => shown.length > 0);
        assert.match(shown[0]?.message ?? '', /Two reports are compared, 3 are selected/);
      },
    );
    const broken = inWorkspace('broken.curvature.json');
    await vscode.workspace.fs.writeFile(broken, Buffer.from('{}'));
    const { error } = (await compare(a, broken)).state;
    await vscode.workspace.fs.delete(broken);
    assert.match(error?.message ?? '', /report/i);
  });
});
