import * as vscode from 'vscode';
import type { Report } from '../../engine/report/schema';
import type { Ctx } from '../ctx';
import { activeResource, fileName, isReport, withoutExtension } from '../modelUri';
import { readReportFile } from '../reportFile';
import { UserError } from '../userError';
import { modelFor, type Resource } from './resource';

export interface Found {
  readonly report: Report;
  /** The report's file, or the model. */
  readonly source: vscode.Uri;
  /** The path to save beside, without an extension. */
  readonly base: vscode.Uri;
}

/** The report of a report file, or the one that is kept of a model. */
export async function findReport(ctx: Ctx, resource: Resource): Promise<Found> {
  const uri =
    typeof resource === 'string' ? vscode.Uri.parse(resource, true) : (resource ?? activeResource());
  if (uri && isReport(uri)) {
    const base = uri.with({ path: uri.path.replace(/\.curvature\.json$/i, '') });
    return { report: await readReportFile(uri), source: uri, base };
  }
  const model = modelFor(uri);
  const { report } = await ctx.analyses.of(model);
  if (report) return { report, source: model, base: withoutExtension(model) };
  throw new UserError(`There is no report of ${fileName(model)} yet.`, undefined, [
    { title: 'Analyze Curvature', command: 'curvature.analyzeCurvature', args: [model] },
  ]);
}

/** The model that a report is of; looked for beside the report's file, since that may come from another machine. */
export const modelOf = ({ report, source }: Found): vscode.Uri =>
  isReport(source)
    ? vscode.Uri.joinPath(source, '..', report.model.file.split(/[\\/]/).at(-1) ?? '')
    : source;
