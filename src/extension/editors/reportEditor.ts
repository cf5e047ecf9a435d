import * as vscode from 'vscode';
import { CurvatureError } from '../../engine/errors';
import type { ViewState } from '../../protocol/view';
import type { Ctx } from '../ctx';
import { fileName } from '../modelUri';
import { readReportFile } from '../reportFile';
import { revealText } from '../text/reveal';
import { ReportPanel } from '../views/reportPanel';
import { ReadonlyDocument } from './readonlyDocument';

export const REPORT_EDITOR = 'curvature.report';

/** Opens a saved report, wherever it was made. There is nothing to run in it. */
export class ReportEditor implements vscode.CustomReadonlyEditorProvider<ReadonlyDocument> {
  constructor(private readonly ctx: Ctx) {}

  openCustomDocument(uri: vscode.Uri): ReadonlyDocument {
    return new ReadonlyDocument(uri);
  }

  async resolveCustomEditor({ uri }: ReadonlyDocument, panel: vscode.WebviewPanel): Promise<void> {
    let state = await readState(uri);
    const changed = new vscode.EventEmitter<void>();
    const watcher = vscode.workspace.createFileSystemWatcher(
      new vscode.RelativePattern(vscode.Uri.joinPath(uri, '..'), fileName(uri)),
    );
    watcher.onDidChange(async () => {
      state = await readState(uri);
      changed.fire();
    });
    panel.onDidDispose(() => {
      watcher.dispose();
      changed.dispose();
      this.ctx.widths.forget(uri);
    });
    new ReportPanel(panel, this.ctx.extensionUri, {
      get state() {
        return state;
      },
      onDidChange: changed.event,
      handle: message => {
        if (message.type === 'saveReport') {
          return vscode.commands.executeCommand('curvature.saveReport', uri, message.format);
        }
        if (message.type === 'saveBits' || message.type === 'exportQuantized') {
          return vscode.commands.executeCommand(`curvature.${message.type}`, uri, message.bits);
        }
        if (message.type === 'compare')
          return vscode.commands.executeCommand('curvature.compareReports', uri);
        if (message.type === 'widthsChosen') return this.ctx.widths.set(uri, message.bits);
        return message.type === 'revealLayer' ? this.reveal(uri, state, message.layer) : undefined;
      },
    });
  }

  /** The model is looked for beside the report, since the report may come from another machine. */
  private async reveal(report: vscode.Uri, state: ViewState, layer: string): Promise<void> {
    const name = state.report?.model.file.split(/[\\/]/).at(-1) ?? '';
    const model = vscode.Uri.joinPath(report, '..', name);
    try {
      await vscode.workspace.fs.stat(model);
    } catch {
      void vscode.window.showInformationMessage(
        `${name} is not beside this report, so its nodes can’t be shown.`,
      );
      return;
    }
    await revealText(this.ctx, model, layer);
  }
}

async function readState(uri: vscode.Uri): Promise<ViewState> {
  const modelName = fileName(uri);
  try {
    const report = await readReportFile(uri);
    const stopped = report.stopped?.reason === 'failed' ? 'failed' : 'cancelled';
    const phase = report.complete ? 'done' : stopped;
    return {
      modelName: report.model.file.split(/[\\/]/).at(-1) ?? modelName,
      phase,
      report,
      canAnalyze: false,
    };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const hint = error instanceof CurvatureError ? error.hint : undefined;
    return { modelName, phase: 'failed', error: hint ? { message, hint } : { message }, canAnalyze: false };
  }
}
