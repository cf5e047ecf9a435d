import { analyze, type AnalyzeOptions, CurvatureError, type Report, stringifyReport } from '../engine';
import { layersToCsv } from '../engine/report/csv';
import { reportToText } from '../engine/report/text';
import { exitCodeOf, printError } from './errors';
import { requireWritable, writeResult } from './files';
import { loadAssets, renderHtml } from './html';
import { interruptible } from './interrupt';
import { showProgress } from './progress';

export type AnalyzeFlags = Omit<AnalyzeOptions, 'model' | 'executionProvider'> & {
  readonly ep: string;
  readonly out?: string;
  readonly html?: string;
  readonly csv?: string;
  readonly json?: boolean;
};

/**
 * `curvature analyze`: resolves to the exit code. Throws what is wrong with the input before anything has
 * run.
 */
export async function runAnalyze(model: string, flags: AnalyzeFlags): Promise<number> {
  const { ep, out, html, csv, json, ...settings } = flags;
  for (const file of [out, html, csv]) if (file !== undefined) await requireWritable(file);
  // A build without the page's bundle should say so before the analysis, not after.
  const assets = html === undefined ? undefined : await loadAssets(__dirname);

  const { report, error } = await runToTheEnd({ ...settings, model, executionProvider: ep });
  if (report) {
    process.stdout.write(json ? stringifyReport(report) : reportToText(report));
    for (const { severity, message, node } of report.diagnostics) {
      process.stderr.write(
        `${severity === 'info' ? 'note' : severity}: ${message}${node ? ` (node '${node}')` : ''}\n`,
      );
    }
    if (out !== undefined) await writeResult(out, stringifyReport(report));
    if (csv !== undefined) await writeResult(csv, layersToCsv(report));
    if (html !== undefined && assets) await writeResult(html, renderHtml(report, assets));
  }
  if (error === undefined) return 0;
  printError(error);
  return exitCodeOf(error);
}

/** The report, or what is kept of one that was interrupted or failed, with the error. */
async function runToTheEnd(options: AnalyzeOptions): Promise<{ report?: Report; error?: unknown }> {
  const view = showProgress();
  const { signal, release } = interruptible();
  let partial: Report | undefined;
  try {
    const report = await analyze(options, {
      signal,
      onProgress: progress => view.update(progress),
      onPartial: kept => (partial = kept),
    });
    return { report };
  } catch (error) {
    // A run that stopped before its first number has nothing to show but the error.
    return { report: partial && partial.loss !== null ? stoppedBy(partial, error) : undefined, error };
  } finally {
    release();
    view.stop();
  }
}

function stoppedBy(partial: Report, error: unknown): Report {
  const reason = error instanceof CurvatureError && error.code === 'cancelled' ? 'cancelled' : 'failed';
  const message = error instanceof Error ? error.message : String(error);
  return { ...partial, complete: false, stopped: { reason, message } };
}
