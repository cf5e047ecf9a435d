import path from 'node:path';
import * as vscode from 'vscode';
import { type Found } from '../commands/findReport';
import { isReport } from '../modelUri';

/** The files that a report is of; no data where it is of random inputs. */
export interface AtHand {
  readonly model: vscode.Uri;
  readonly data: vscode.Uri | undefined;
}

/** Finds a report's model and data: beside it, else anywhere in the workspace. A text says what is missing. */
export async function atHand({ report, source }: Found): Promise<AtHand | string> {
  const name = path.posix.basename(report.model.file.replaceAll('\\', '/'));
  const model = isReport(source) ? await find(source, name, report.model.sizeBytes) : source;
  if (!model) return `${name} is neither beside its report nor in the workspace.`;
  if (report.data.source === 'synthetic' || report.data.file === undefined) return { model, data: undefined };
  const data = (await find(source, report.data.file)) ?? (await find(model, report.data.file));
  return data
    ? { model, data }
    : `${report.data.file}, the data of ${name}, is neither beside it nor in the workspace.`;
}

/** A file of this name, and of this size where it is known; hashes would take reading all of it. */
async function find(beside: vscode.Uri, name: string, size?: number): Promise<vscode.Uri | undefined> {
  // A name with characters of glob patterns is looked for beside the report alone.
  const elsewhere = /[[\]{}*?,!]/.test(name)
    ? []
    : await vscode.workspace.findFiles(`**/${name}`, '**/node_modules/**', 10);
  for (const file of [vscode.Uri.joinPath(beside, '..', name), ...elsewhere]) {
    const stat = await vscode.workspace.fs.stat(file).then(
      found => found,
      () => undefined,
    );
    if (stat && (size === undefined || stat.size === size)) return file;
  }
  return undefined;
}
