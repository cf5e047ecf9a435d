import * as vscode from 'vscode';
import type { Report } from '../../engine/report/schema';
import type { Analyses } from '../analyses';
import type { Analysis } from '../analysis';
import type { Coverages } from '../coverages';
import { Disposable } from '../dispose';
import { toEngineError } from '../engineError';
import { TEXT_SCHEME, toModelUri, toTextUri } from '../modelUri';
import { coverageFindings, type Finding, findings, refusal } from './findings';
import { visible } from './format';
import type { ModelText } from './modelText';
import type { ModelTexts } from './modelTexts';

const severities = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  info: vscode.DiagnosticSeverity.Information,
} satisfies Record<Finding['severity'], vscode.DiagnosticSeverity>;

/**
 * Keeps Problems in step with the reports, and before there is one tells what an analysis will be able to measure. They hang
 * on the model's text, whether or not it is open.
 */
export class LayerDiagnostics extends Disposable {
  private readonly collection = this.register(vscode.languages.createDiagnosticCollection('curvature'));
  private readonly shown = new WeakMap<Analysis, Report>();

  constructor(
    private readonly texts: ModelTexts,
    private readonly analyses: Analyses,
    private readonly coverages: Coverages,
  ) {
    super();
    this.register(analyses.onDidChange(analysis => void this.refresh(analysis)));
    this.register(vscode.workspace.onDidOpenTextDocument(({ uri }) => void this.preview(uri)));
    this.register(texts.onDidChange(uri => void this.preview(uri)));
    const previewAll = (): void => {
      for (const { uri } of vscode.workspace.textDocuments) void this.preview(uri);
    };
    this.register(vscode.workspace.onDidGrantWorkspaceTrust(previewAll));
    previewAll();
  }

  private async refresh(analysis: Analysis): Promise<void> {
    const { model, report } = analysis;
    // Partial reports come several times a second and change their mind; what is settled is shown.
    if (analysis.isRunning || !report || this.shown.get(analysis) === report) return;
    this.shown.set(analysis, report);
    await this.show(model, findings(report));
  }

  /** Preparing a model runs parts of it, which an untrusted workspace doesn't get. */
  private async preview(text: vscode.Uri): Promise<void> {
    if (text.scheme !== TEXT_SCHEME || !vscode.workspace.isTrusted) return;
    const model = toModelUri(text);
    const analysis = await this.analyses.of(model);
    // A model that can't be read has a text that says so.
    if (analysis.report || (await this.texts.of(model)).error !== undefined) return;
    const found = await this.coverages
      .of(model)
      .then(coverageFindings, (error: unknown) => [refusal(toEngineError(error).message)]);
    if (!analysis.report) await this.show(model, found);
  }

  private async show(model: vscode.Uri, found: readonly Finding[]): Promise<void> {
    const text = await this.texts.of(model);
    this.collection.set(
      toTextUri(model),
      found.map(finding => toDiagnostic(finding, text)),
    );
  }
}

function toDiagnostic({ severity, code, message, layer, node }: Finding, text: ModelText): vscode.Diagnostic {
  const line =
    (layer === undefined ? undefined : text.lineOfLayer.get(layer)) ??
    (node === undefined ? undefined : text.lineOfNode.get(node)) ??
    0;
  const content = text.text.split('\n', line + 1)[line] ?? '';
  // The weight alone is underlined where its name stands in the line: lines are long and wrap.
  const at = layer === undefined ? -1 : content.indexOf(visible(layer));
  const [start, end] = layer === undefined || at < 0 ? [0, content.length] : [at, at + visible(layer).length];
  const diagnostic = new vscode.Diagnostic(
    new vscode.Range(line, start, line, end),
    message,
    severities[severity],
  );
  diagnostic.source = 'curvature';
  diagnostic.code = code;
  return diagnostic;
}
