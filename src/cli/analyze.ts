import { analyze, type AnalyzeOptions, CurvatureError, type Report, stringifyReport } from '../engine';
import { layersToCsv } from '../engine/report/csv';
import { reportToText } from '../engine/report/text';
import { exitCodeOf, printError } from './errors';
import { replaceFile } from '../engine/util/replaceFile';
import { requireWritable, writeResult } from './files';
import { loadAssets, renderHtml } from './html';
import { hintToResume, journalBeside } from './journal';
import { toTheEnd } from './toTheEnd';

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
  const { report: found, error } = await toTheEnd<Report>(
    hooks => analyze(options, { ...hooks, journal }),
    // What a killed process leaves can be opened as any report.
    kept => {
      if (journal && out !== undefined && kept.loss !== null) replaceFile(out, stringifyReport(kept));
    },
  );
  // A run that stopped before its first number has nothing to show but the error.
  const report =
    error === undefined ? found : found && found.loss !== null ? stoppedBy(found, error) : undefined;
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
  if (error === undefined) {
    journal?.finish();
    return 0;
  }
  printError(error);
  hintToResume(journal, error);
  return exitCodeOf(error);
}

function stoppedBy(partial: Report, error: unknown): Report {
  const reason = error instanceof CurvatureError && error.code === 'cancelled' ? 'cancelled' : 'failed';
  const message = error instanceof Error ? error.message : String(error);
  return { ...partial, complete: false, stopped: { reason, message } };
}
