import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Analysis } from '../../src/extension/analysis';
import {
  analysisOf,
  analyze,
  catchingErrors,
  eventually,
  inWorkspace,
  withSettings,
} from '../support/vscode/host';

/**
 * A run that would take minutes, so that there is time to break in: the Hessian's trace is never exact while there are
 * fewer probes than weights.
 */
const endless = { matrix: 'hessian', relativeTolerance: 1e-9, maxProbes: 10_000, eigenvalues: 0 };

/** Starts an endless analysis and waits for its first results. */
async function started(name: string): Promise<{ analysis: Analysis; ended: Thenable<unknown> }> {
  const analysis = await analysisOf(name);
  const ended = analyze(name);
  await eventually(
    'a partial result',
    () => analysis.isRunning && analysis.report?.layers.some(layer => layer.averageTrace !== null),
  );
  return { analysis, ended };
}

describe('interruption', () => {
  it('cancels within two seconds and keeps what was measured', async () => {
    await withSettings(endless, async () => {
      const { analysis, ended } = await started('cancelled.onnx');
      const at = Date.now();
      await vscode.commands.executeCommand('curvature.cancelAnalysis', inWorkspace('cancelled.onnx'));
      await ended;
      assert.ok(Date.now() - at < 2000, `it took ${Date.now() - at} ms`);
      assert.equal(analysis.state.phase, 'cancelled');
      assert.equal(analysis.report?.complete, false);
      assert.equal(analysis.report.stopped?.reason, 'cancelled');
      assert.ok(analysis.report.layers.some(layer => layer.averageTrace !== null));
    });
  });

  it('survives the death of the engine’s process, says so, and retries', async () => {
    const analysis = await analysisOf('killed.onnx');
    const answer = (): string => 'Retry';
    await catchingErrors(answer, async shown => {
      await withSettings(endless, async () => {
        const { ended } = await started('killed.onnx');
        const pid = analysis.enginePid;
        assert.ok(pid);
        process.kill(pid, 'SIGKILL');
        await ended;
        assert.equal(analysis.report?.stopped?.reason, 'failed');
        assert.equal(analysis.report.complete, false);
        await eventually('an error', () => shown.length > 0);
        assert.match(shown[0]?.message ?? '', /ended unexpectedly \(signal SIGKILL\)/);
        assert.ok(shown[0]?.actions.includes('Retry'));
        // The answer was Retry, so a new process is at work.
        const again = await eventually('a new process', () => analysis.enginePid);
        assert.notEqual(again, pid);
        analysis.cancel();
        await eventually('the end', () => !analysis.isRunning);
      });
      await analyze('killed.onnx');
      assert.equal(analysis.state.phase, 'done', analysis.state.error?.message);
      assert.equal(analysis.report?.complete, true);
    });
  });
});
