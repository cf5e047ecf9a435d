import * as vscode from 'vscode';
import type { Report } from '../../engine/report/schema';
import type { Analyses } from '../analyses';
import type { Analysis } from '../analysis';
import { Disposable } from '../dispose';
import { toTextUri } from '../modelUri';
import { findings, type Finding } from './findings';
import { visible } from './format';
import type { ModelText } from './modelText';
import type { ModelTexts } from './modelTexts';

const severities = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  info: vscode.DiagnosticSeverity.Information,
} satisfies Record<Finding['severity'], vscode.DiagnosticSeverity>;

/** Keeps Problems in step with the reports. They hang on the model's text, whether or not it is open. */
export class LayerDiagnostics extends Disposable {
  private readonly collection = this.register(vscode.languages.createDiagnosticCollection('curvature'));
  private readonly shown = new WeakMap<Analysis, Report>();

  constructor(
    private readonly texts: ModelTexts,
    analyses: Analyses,
  ) {
    super();
    this.register(analyses.onDidChange(analysis => void this.refresh(analysis)));
  }

  private async refresh(analysis: Analysis): Promise<void> {
    const { model, report } = analysis;
    // Partial reports come several times a second and change their mind; what is settled is shown.
    if (analysis.isRunning || !report || this.shown.get(analysis) === report) return;
    this.shown.set(analysis, report);
    const text = await this.texts.of(model);
    this.collection.set(
      toTextUri(model),
      findings(report).map(finding => toDiagnostic(finding, text)),
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
