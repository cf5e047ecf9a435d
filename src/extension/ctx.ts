import * as vscode from 'vscode';
import { Analyses } from './analyses';
import { ChosenWidths } from './chosenWidths';
import { Coverages } from './coverages';
import { DataChoices } from './dataChoices';
import { EngineClient } from './engineClient';
import { ReportStore } from './reportStore';
import { ModelTexts } from './text/modelTexts';

/** What commands and providers work with; made once, and passed first. */
export interface Ctx {
  readonly extensionUri: vscode.Uri;
  readonly log: vscode.LogOutputChannel;
  readonly analyses: Analyses;
  readonly reports: ReportStore;
  readonly coverages: Coverages;
  readonly data: DataChoices;
  readonly texts: ModelTexts;
  readonly widths: ChosenWidths;
  /** A process of its own, for whoever asks; ended by disposing it. */
  readonly newEngine: () => EngineClient;
}

export function createCtx(extension: vscode.ExtensionContext): Ctx {
  const log = vscode.window.createOutputChannel('Curvature', { log: true });
  const serverPath = vscode.Uri.joinPath(extension.extensionUri, 'dist', 'server.js').fsPath;
  const newEngine = (): EngineClient =>
    new EngineClient({ serverPath, log: text => log.info(text.trimEnd()) });
  const reports = new ReportStore(extension.storageUri ?? extension.globalStorageUri, log);
  // Reading models has a process of its own: it goes on whatever becomes of an analysis.
  const reader = newEngine();
  const analyses = new Analyses(reports, newEngine);
  const texts = new ModelTexts(model => reader.describeModel(model));
  const coverages = new Coverages(newEngine, texts.onDidChange);
  extension.subscriptions.push(log, reader, analyses, coverages, texts);
  return {
    extensionUri: extension.extensionUri,
    log,
    analyses,
    reports,
    coverages,
    texts,
    widths: new ChosenWidths(),
    newEngine,
    data: new DataChoices(extension.workspaceState),
  };
}
