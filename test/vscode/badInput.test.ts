import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import {
  analysisOf,
  analyze,
  catchingErrors,
  eventually,
  inWorkspace,
  type ShownError,
  textOf,
} from '../support/vscode/host';

/** Model → what the message must name, and the button under it. */
const cases: readonly (readonly [name: string, message: RegExp, action: string])[] = [
  ['truncated.onnx', /truncated\.onnx/, 'Retry'],
  ['text.onnx', /text\.onnx/, 'Retry'],
  ['wrong_names.onnx', /other_|image/, 'Choose Data…'],
  ['wrong_labels.onnx', /77/, 'Choose Data…'],
];

/** Runs `action` and gives the one error that it shows. */
const errorOf = (action: () => Thenable<unknown>): Promise<ShownError> =>
  catchingErrors(
    () => undefined,
    async shown => {
      await action();
      return eventually('an error', () => shown[0]);
    },
  );

describe('bad input', () => {
  for (const [name, message, action] of cases) {
    it(`${name}: one clear error`, async () => {
      const error = await errorOf(() => analyze(name));
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /internal|\bat \w+ \(/);
      assert.ok(error.actions.includes(action), error.actions.join());
      const { state } = await analysisOf(name);
      assert.equal(state.phase, 'failed');
      assert.ok(error.message.includes(state.error?.message ?? '?'));
    });
  }

  it('an unknown operator: the layers before it are measured, and it is named', async () => {
    await analyze('unknown_operator.onnx');
    const { state } = await analysisOf('unknown_operator.onnx');
    assert.equal(state.phase, 'done');
    const layers = state.report?.layers ?? [];
    assert.deepEqual(
      layers.filter(l => l.status === 'not-reached').map(l => l.name),
      ['fc2.weight'],
    );
    assert.ok(layers.filter(l => l.status === 'analysed').every(l => (l.trace.ggn?.estimate ?? 0) > 0));
    const problems = await eventually('problems', () => {
      const found = vscode.languages.getDiagnostics(textOf(inWorkspace('unknown_operator.onnx')));
      return found.some(d => d.message.includes('Rely')) ? found : undefined;
    });
    assert.ok(
      problems.some(
        d => d.severity === vscode.DiagnosticSeverity.Error && d.message.includes('unknown to ONNX Runtime'),
      ),
    );
    assert.ok(problems.some(d => d.message.includes('fc2.weight')));
  });

  it('a resource that is no model is refused', async () => {
    const other = inWorkspace('digits_cnn.npz');
    const error = await errorOf(() => vscode.commands.executeCommand('curvature.showModelText', other));
    assert.match(error.message, /digits_cnn\.npz is not a \.onnx file/);
  });

  it('saving before any analysis says that there is nothing to save', async () => {
    const model = inWorkspace('text.onnx');
    const error = await errorOf(() => vscode.commands.executeCommand('curvature.saveReport', model, 'json'));
    assert.match(error.message, /no report of text\.onnx/);
  });

  it('a damaged report opens with a reason', async () => {
    const file = inWorkspace('damaged.curvature.json');
    await vscode.workspace.fs.writeFile(file, Buffer.from('{"format":"curvature-report","version":1}'));
    await vscode.commands.executeCommand('curvature.openReport', file);
    const error = await errorOf(() => vscode.commands.executeCommand('curvature.saveReport', file, 'csv'));
    assert.match(error.message, /damaged/);
  });
});
