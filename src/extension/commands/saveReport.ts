import * as vscode from 'vscode';
import type { Ctx } from '../ctx';
import { fileName } from '../modelUri';
import { extensions, formatOf, serialize, type ReportFormat } from '../reportFormats';
import { Cancelled } from '../userError';
import { findReport } from './findReport';
import type { Resource } from './resource';

/** Writes a report as JSON, HTML or CSV to `target`, or to where the user says. */
export async function saveReport(
  ctx: Ctx,
  resource?: Resource,
  format?: ReportFormat,
  target?: vscode.Uri,
): Promise<void> {
  const { report, base } = await findReport(ctx, resource);
  const file = target ?? (await askTarget(base, format));
  if (!file) throw new Cancelled('no file was chosen');
  const text = await serialize(report, format ?? formatOf(file.path), ctx.extensionUri);
  await vscode.workspace.fs.writeFile(file, Buffer.from(text));
  if (target) return;
  const open = 'Open';
  void vscode.window
    .showInformationMessage(`Saved ${fileName(file)}.`, open)
    .then(chosen => chosen && vscode.commands.executeCommand('vscode.open', file));
}

function askTarget(base: vscode.Uri, format: ReportFormat = 'json'): Thenable<vscode.Uri | undefined> {
  const all = { json: 'Curvature report', html: 'Web page', csv: 'Table' } satisfies Record<
    ReportFormat,
    string
  >;
  const order = [format, ...(Object.keys(all) as ReportFormat[]).filter(other => other !== format)];
  return vscode.window.showSaveDialog({
    title: 'Save Report',
    defaultUri: base.with({ path: base.path + extensions[format] }),
    filters: Object.fromEntries(order.map(f => [all[f], [f]])),
  });
}
