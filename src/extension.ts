import * as vscode from 'vscode';
import type { Analyses } from './extension/analyses';
import { BITS_FILES } from './extension/bits/bitsFile';
import { BitsDiagnostics } from './extension/bits/diagnostics';
import { BitsFixes } from './extension/bits/fixes';
import { BitsHover } from './extension/bits/hover';
import { registerCommands } from './extension/commands';
import { createCtx } from './extension/ctx';
import { MODEL_EDITOR, ModelEditor } from './extension/editors/modelEditor';
import { REPORT_EDITOR, ReportEditor } from './extension/editors/reportEditor';
import { TrainingDiagnostics } from './extension/project/diagnostics';
import { TrainingFixes } from './extension/project/fixes';
import { TrainingHover } from './extension/project/hover';
import { PROJECT_FILES, ProjectStudies } from './extension/project/projectStudies';
import { TEXT_LANGUAGE, TEXT_SCHEME } from './extension/modelUri';
import { LayerDiagnostics } from './extension/text/diagnostics';
import { LayerHover } from './extension/text/hover';
import { LayerHints } from './extension/text/inlayHints';
import { COMPARE_VIEW, ComparePanelSerializer } from './extension/views/comparePanel';
import { StatusBar } from './extension/views/statusBar';

/** What other extensions, and the tests, get of this one. */
export interface CurvatureApi {
  readonly analyses: Analyses;
}

export function activate(extension: vscode.ExtensionContext): CurvatureApi {
  const ctx = createCtx(extension);
  const { analyses, coverages, texts } = ctx;
  const modelText: vscode.DocumentSelector = { scheme: TEXT_SCHEME, language: TEXT_LANGUAGE };
  const hints = new LayerHints(texts, analyses);
  const studies = new ProjectStudies(analyses);
  extension.subscriptions.push(
    studies,
    registerCommands(ctx),
    new StatusBar(analyses),
    new LayerDiagnostics(texts, analyses, coverages),
    new BitsDiagnostics(analyses),
    new TrainingDiagnostics(studies),
    hints,
    vscode.window.registerCustomEditorProvider(MODEL_EDITOR, new ModelEditor(ctx)),
    vscode.window.registerWebviewPanelSerializer(COMPARE_VIEW, new ComparePanelSerializer(ctx)),
    vscode.window.registerCustomEditorProvider(REPORT_EDITOR, new ReportEditor(ctx)),
    vscode.languages.registerHoverProvider(modelText, new LayerHover(texts, analyses)),
    vscode.languages.registerInlayHintsProvider(modelText, hints),
    vscode.languages.registerHoverProvider(BITS_FILES, new BitsHover(analyses)),
    vscode.languages.registerCodeActionsProvider(BITS_FILES, new BitsFixes(analyses), {
      providedCodeActionKinds: BitsFixes.kinds,
    }),
    vscode.languages.registerHoverProvider(PROJECT_FILES, new TrainingHover(studies)),
    vscode.languages.registerCodeActionsProvider(PROJECT_FILES, new TrainingFixes(studies), {
      providedCodeActionKinds: TrainingFixes.kinds,
    }),
  );
  return { analyses };
}
