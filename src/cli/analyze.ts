import {
  analyze,
  type AnalyzeOptions,
  CurvatureError,
  type ProbeJournal,
  type Report,
  stringifyReport,
} from '../engine';
import { layersToCsv } from '../engine/report/csv';
import { reportToText } from '../engine/report/text';
import { replaceFile, requireWritable, writeResult } from './files';
import { loadAssets, renderHtml } from './html';
import { interruptible } from './interrupt';
import { conclude, journalBeside } from './journal';
import { showProgress } from './progress';

export type AnalyzeFlags = Omit<AnalyzeOptions, 'model' | 'seconds' | 'executionProvider'> & {
  readonly ep: string;
  readonly for?: number;
  readonly out?: string;
  readonly html?: string;
  readonly csv?: string;
  readonly json?: boolean;
  readonly resume?: boolean;
};

/**
 * `curvature analyze`: resolves to the exit code. Throws what is wrong with the input before anything has
 * run.
 */
export async function runAnalyze(model: string, flags: AnalyzeFlags): Promise<number> {
  const { ep, for: seconds, out, html, csv, json, resume = false, ...settings } = flags;
  for (const file of [out, html, csv]) if (file !== undefined) await requireWritable(file);
  // A build without the page's bundle should say so before the analysis, not after.
  const assets = html === undefined ? undefined : await loadAssets(__dirname);

  const journal = journalBeside(out, resume);
  const options = { ...settings, model, seconds, executionProvider: ep };
  const { report, error } = await runToTheEnd(options, journal && out, journal);
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
  return conclude(error, journal);
}

/** The report, or what is kept of one that was interrupted or failed, with the error. */
async function runToTheEnd(
  options: AnalyzeOptions,
  out: string | undefined,
  journal: ProbeJournal | undefined,
): Promise<{ report?: Report; error?: unknown }> {
  const view = showProgress();
  const { signal, release } = interruptible();
  let partial: Report | undefined;
  try {
    const report = await analyze(options, {
      signal,
      onProgress: progress => view.update(progress),
      onPartial: kept => {
        partial = kept;
        // What a killed process leaves can be opened as any report.
        if (out !== undefined && kept.loss !== null) replaceFile(out, stringifyReport(kept));
      },
      journal,
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
