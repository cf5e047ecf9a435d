import * as vscode from 'vscode';
import type { Ctx } from '../ctx';
import { ReportPanel, type ReportSource } from '../views/reportPanel';
import { ReadonlyDocument } from './readonlyDocument';
import { revealText } from '../text/reveal';
import { studyCommands } from '../studies';

export const MODEL_EDITOR = 'curvature.model';

/** Opens a `.onnx` file as its report: empty before the first analysis, live while one runs, whole afterwards. */
export class ModelEditor implements vscode.CustomReadonlyEditorProvider<ReadonlyDocument> {
  constructor(private readonly ctx: Ctx) {}

  openCustomDocument(uri: vscode.Uri): ReadonlyDocument {
    return new ReadonlyDocument(uri);
  }

  async resolveCustomEditor({ uri }: ReadonlyDocument, panel: vscode.WebviewPanel): Promise<void> {
    const analysis = await this.ctx.analyses.of(uri);
    panel.onDidDispose(() => this.ctx.widths.forget(uri));
    new ReportPanel(panel, this.ctx.extensionUri, {
      get state() {
        return analysis.state;
      },
      onDidChange: analysis.onDidChange,
      handle: message => this.handle(uri, message),
    });
  }

  private handle(model: vscode.Uri, message: Parameters<ReportSource['handle']>[0]): unknown {
    switch (message.type) {
      case 'analyze':
      case 'retry':
        return vscode.commands.executeCommand('curvature.analyzeCurvature', model);
      case 'resume':
        return vscode.commands.executeCommand('curvature.resumeAnalysis', model);
      case 'measureActivations':
        return vscode.commands.executeCommand('curvature.measureActivations', model);
      case 'study':
        return vscode.commands.executeCommand(studyCommands[message.kind], model, message.choice);
      case 'cancel':
        return vscode.commands.executeCommand('curvature.cancelAnalysis', model);
      case 'chooseData':
        return vscode.commands.executeCommand('curvature.chooseData', model);
      case 'compare':
        return vscode.commands.executeCommand('curvature.compareReports', model);
      case 'saveReport':
        return vscode.commands.executeCommand('curvature.saveReport', model, message.format);
      case 'saveBits':
      case 'exportQuantized':
        return vscode.commands.executeCommand(`curvature.${message.type}`, model, message.bits);
      case 'widthsChosen':
        return this.ctx.widths.set(model, message.bits);
      case 'revealLayer':
        return revealText(this.ctx, model, message.layer);
    }
  }
}
