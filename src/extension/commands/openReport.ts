import * as vscode from 'vscode';
import type { Ctx } from '../ctx';
import { REPORT_EDITOR } from '../editors/reportEditor';
import { Cancelled } from '../userError';

/** Opens a saved report in the panel. */
export async function openReport(_ctx: Ctx, resource?: vscode.Uri): Promise<void> {
  const report = resource ?? (await browseForReport());
  if (!report) throw new Cancelled('no report was chosen');
  await vscode.commands.executeCommand('vscode.openWith', report, REPORT_EDITOR);
}

const browseForReport = async (): Promise<vscode.Uri | undefined> =>
  (
    await vscode.window.showOpenDialog({ title: 'Open Report', filters: { 'Curvature reports': ['json'] } })
  )?.[0];
