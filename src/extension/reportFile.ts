import * as vscode from 'vscode';
import { parseReport } from '../engine/report/json';
import type { Report } from '../engine/report/schema';

/** Reads and checks a saved report; rejects with a CurvatureError that says what is wrong with it. */
export async function readReportFile(uri: vscode.Uri): Promise<Report> {
  const bytes = await vscode.workspace.fs.readFile(uri);
  return parseReport(Buffer.from(bytes).toString('utf8'));
}
