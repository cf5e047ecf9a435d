import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Report } from '../../src/engine/report/schema';
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

const samplesOf = (report: Report | undefined): number =>
  Math.max(0, ...(report?.layers ?? []).map(layer => layer.trace.hessian?.samples ?? 0));

/** What two runs of the same settings have in common. */
const lasting = ({ timings: _, createdAt: __, memory: ___, ...rest }: Report): Partial<Report> => rest;

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

  it('goes on from where it was cut short, to the numbers of a run that was not', async () => {
    const slow = { matrix: 'hessian', relativeTolerance: 1e-9, maxProbes: 300, eigenvalues: 0 };
    const command = (name: string): Thenable<unknown> =>
      vscode.commands.executeCommand(`curvature.${name}`, inWorkspace('resumed.onnx'));
    await withSettings(slow, async () => {
      const { analysis, ended } = await started('resumed.onnx');
      assert.equal(analysis.state.canResume, undefined);
      await command('cancelAnalysis');
      await ended;
      const kept = samplesOf(analysis.report);
      assert.equal(analysis.report?.complete, false);
      assert.equal(analysis.state.canResume, true);

      await command('resumeAnalysis');
      const resumed = analysis.report ?? assert.fail('no report');
      assert.equal(analysis.state.phase, 'done', analysis.state.error?.message);
      assert.ok(kept < 300 && samplesOf(resumed) === 300, `${kept} of ${samplesOf(resumed)} probes`);
      assert.equal(analysis.state.canResume, undefined);

      await command('analyzeCurvature');
      const whole = analysis.report ?? assert.fail('no report');
      assert.notEqual(whole.createdAt, resumed.createdAt);
      assert.deepEqual(lasting(resumed), lasting(whole));
    });
  });

  it('with nothing kept there is nothing to resume, and that is said', async () => {
    await catchingErrors(
      () => undefined,
      async shown => {
        await vscode.commands.executeCommand('curvature.resumeAnalysis', inWorkspace('digits_cnn.onnx'));
        await eventually('an error', () => shown.length > 0);
        assert.match(shown[0]?.message ?? '', /Nothing is kept of an analysis of digits_cnn\.onnx/);
        assert.ok(shown[0]?.actions.includes('Analyze Curvature'));
      },
    );
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
        assert.deepEqual(shown[0]?.actions.slice(0, 2), ['Resume', 'Retry']);
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
