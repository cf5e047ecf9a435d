import * as vscode from 'vscode';
import type { Report } from '../../engine/report/schema';
import type { Ctx } from '../ctx';
import { activeResource, fileName, isReport } from '../modelUri';
import { extensions, formatOf, serialize, type ReportFormat } from '../reportFormats';
import { readReportFile } from '../reportFile';
import { Cancelled, UserError } from '../userError';
import { modelFor, type Resource } from './resource';

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

/** The report of a report file, or the one that is kept of a model; `base` is the path to save beside. */
async function findReport(ctx: Ctx, resource: Resource): Promise<{ report: Report; base: vscode.Uri }> {
  const uri =
    typeof resource === 'string' ? vscode.Uri.parse(resource, true) : (resource ?? activeResource());
  if (uri && isReport(uri)) {
    const base = uri.with({ path: uri.path.replace(/\.curvature\.json$/i, '') });
    return { report: await readReportFile(uri), base };
  }
  const model = modelFor(uri);
  const { report } = await ctx.analyses.of(model);
  if (report) return { report, base: model.with({ path: model.path.replace(/\.onnx$/i, '') }) };
  throw new UserError(`There is no report of ${fileName(model)} yet.`, undefined, [
    { title: 'Analyze Curvature', command: 'curvature.analyzeCurvature', args: [model] },
  ]);
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
