import * as vscode from 'vscode';
import { loadAssets, renderHtml } from '../cli/html';
import { layersToCsv } from '../engine/report/csv';
import { stringifyReport } from '../engine/report/json';
import type { Report } from '../engine/report/schema';
import type { FromView } from '../protocol/view';

export type ReportFormat = Extract<FromView, { type: 'saveReport' }>['format'];

/** What is put behind the model's name. */
export const extensions: Readonly<Record<ReportFormat, string>> = {
  json: '.curvature.json',
  html: '.curvature.html',
  csv: '.curvature.csv',
};

/** The format that a file's name asks for; JSON where it asks for none. */
export const formatOf = (path: string): ReportFormat =>
  (Object.keys(extensions) as ReportFormat[]).find(format => path.toLowerCase().endsWith(`.${format}`)) ??
  'json';

export async function serialize(
  report: Report,
  format: ReportFormat,
  extensionUri: vscode.Uri,
): Promise<string> {
  switch (format) {
    case 'json':
      return stringifyReport(report);
    case 'csv':
      return layersToCsv(report);
    case 'html':
      return renderHtml(report, await loadAssets(vscode.Uri.joinPath(extensionUri, 'dist').fsPath));
  }
}
