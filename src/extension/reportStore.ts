import { createHash } from 'node:crypto';
import * as vscode from 'vscode';
import { parseReport, stringifyReport } from '../engine/report/json';
import type { Report } from '../engine/report/schema';
import type { StudyKind } from '../engine/analysis/study';
import { exists } from './modelUri';
import { studyKinds } from './studies';

const statOf = (file: vscode.Uri): Thenable<vscode.FileStat | undefined> =>
  vscode.workspace.fs.stat(file).then(undefined, () => undefined);

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);

/**
 * Keeps the last report of each model in the extension's own storage, so that panels, hovers and diagnostics are back
 * after a reload. Nothing is written beside the model unless the user saves it there.
 */
export class ReportStore {
  constructor(
    private readonly folder: vscode.Uri,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  async write(model: vscode.Uri, report: Report): Promise<void> {
    try {
      await vscode.workspace.fs.createDirectory(this.folder);
      await vscode.workspace.fs.writeFile(this.fileOf(model), Buffer.from(stringifyReport(report)));
    } catch (error) {
      // A full disk costs the copy, not the report that is on the screen.
      this.log.warn(`The report of ${model.fsPath} could not be kept: ${String(error)}`);
    }
  }

  /** Whether a report is kept, whatever has become of the model since. */
  has(model: vscode.Uri): Promise<boolean> {
    return exists(this.fileOf(model));
  }

  /** The kept report, unless the model has changed since. */
  async read(model: vscode.Uri): Promise<Report | undefined> {
    try {
      const bytes = await vscode.workspace.fs.readFile(this.fileOf(model));
      const report = parseReport(Buffer.from(bytes).toString('utf8'));
      const { size, mtime } = await vscode.workspace.fs.stat(model);
      return size === report.model.sizeBytes && mtime <= Date.parse(report.createdAt) ? report : undefined;
    } catch (error) {
      if (!(error instanceof vscode.FileSystemError))
        this.log.warn(`A kept report is unreadable: ${String(error)}`);
      return undefined;
    }
  }

  fileOf(model: vscode.Uri): vscode.Uri {
    return vscode.Uri.joinPath(this.folder, `${hashOf(model.toString())}.curvature.json`);
  }

  /** Where the engine's process keeps the probes of an analysis, or of a study, in a folder that is there; those of an older model are taken away. */
  async probesOf(model: vscode.Uri): Promise<(kind?: StudyKind) => string> {
    const fileOf = (kind?: StudyKind): string =>
      `${this.fileOf(model).fsPath}.${kind === undefined ? '' : `${kind}.`}probes`;
    try {
      await vscode.workspace.fs.createDirectory(this.folder);
      const { mtime } = await vscode.workspace.fs.stat(model);
      for (const file of [undefined, ...studyKinds].map(fileOf)) await forgetBefore(mtime, file);
    } catch (error) {
      this.log.warn(`Probes of ${model.fsPath} can't be looked after: ${String(error)}`);
    }
    return fileOf;
  }

  /** Where the products of a comparison of Hessians are kept. */
  async probesOfComparison(sides: readonly vscode.Uri[]): Promise<string> {
    await vscode.workspace.fs.createDirectory(this.folder);
    const name = hashOf(sides.map(String).join('\n'));
    return vscode.Uri.joinPath(this.folder, `${name}.compare.probes`).fsPath;
  }
}

/** Takes away a journal, and the products beside it, that is older than a time. */
async function forgetBefore(time: number, file: string): Promise<void> {
  const kept = await statOf(vscode.Uri.file(file));
  if (!kept || kept.mtime >= time) return;
  for (const part of [file, `${file}.products`].map(name => vscode.Uri.file(name)))
    if (await statOf(part)) await vscode.workspace.fs.delete(part, { recursive: true });
}
