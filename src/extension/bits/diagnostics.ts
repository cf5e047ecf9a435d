import * as vscode from 'vscode';
import type { Analyses } from '../analyses';
import { Disposable } from '../dispose';
import { bitsOf, isBitsFile, rangeOf, readBitsFile } from './bitsFile';
import { bitsFindings, findingText, type BitsFinding } from './findings';

const severities = {
  'unknown-layer': vscode.DiagnosticSeverity.Warning,
  'width-not-measured': vscode.DiagnosticSeverity.Information,
  'too-few-bits': vscode.DiagnosticSeverity.Warning,
  'untrusted-width': vscode.DiagnosticSeverity.Information,
} satisfies Record<BitsFinding['kind'], vscode.DiagnosticSeverity>;

/** Typing is waited for. */
const QUIET_MS = 150;

/** Checks open files of bit widths against their reports, and anew when either changes. */
export class BitsDiagnostics extends Disposable {
  private readonly collection = this.register(vscode.languages.createDiagnosticCollection('curvature-bits'));
  private readonly pending = new Map<string, NodeJS.Timeout>();

  constructor(private readonly analyses: Analyses) {
    super();
    const { workspace } = vscode;
    const all = (): void => workspace.textDocuments.forEach(document => this.soon(document));
    const reports = this.register(workspace.createFileSystemWatcher('**/*.curvature.json'));
    for (const event of [reports.onDidChange, reports.onDidCreate, reports.onDidDelete])
      this.register(event(all));
    this.register(workspace.onDidOpenTextDocument(document => this.soon(document)));
    this.register(workspace.onDidChangeTextDocument(({ document }) => this.soon(document)));
    this.register(workspace.onDidCloseTextDocument(({ uri }) => this.collection.delete(uri)));
    this.register(analyses.onDidChange(({ isRunning }) => isRunning || all()));
    all();
  }

  override dispose(): void {
    for (const timer of this.pending.values()) clearTimeout(timer);
    super.dispose();
  }

  private soon(document: vscode.TextDocument): void {
    if (!isBitsFile(document)) return;
    const key = document.uri.toString();
    clearTimeout(this.pending.get(key));
    this.pending.set(
      key,
      setTimeout(() => void this.check(document), QUIET_MS),
    );
  }

  private async check(document: vscode.TextDocument): Promise<void> {
    const { version } = document;
    const { content, report } = await readBitsFile(document, this.analyses);
    if (document.isClosed || document.version !== version) return;
    const found = report ? bitsFindings(bitsOf(content), report) : [];
    const diagnostics = found.flatMap(finding => {
      const entry = content.entries.find(({ layer }) => layer === finding.layer);
      if (!entry) return [];
      const where = finding.kind === 'unknown-layer' ? entry.name : entry.whole;
      return [toDiagnostic(finding, rangeOf(document, where), entry.bits ?? 0)];
    });
    const { heading } = content;
    const missing = !report && heading ? [noReport(rangeOf(document, heading))] : [];
    this.collection.set(document.uri, [...diagnostics, ...missing]);
  }
}

function toDiagnostic(finding: BitsFinding, range: vscode.Range, bits: number): vscode.Diagnostic {
  const made = new vscode.Diagnostic(range, findingText(finding, bits), severities[finding.kind]);
  made.source = 'curvature';
  made.code = finding.kind;
  return made;
}

function noReport(range: vscode.Range): vscode.Diagnostic {
  const text =
    'No report to check these widths by: name one in “report”, save it as MODEL.curvature.json beside the model, or analyze the model.';
  const made = new vscode.Diagnostic(range, text, vscode.DiagnosticSeverity.Information);
  made.source = 'curvature';
  made.code = 'no-report';
  return made;
}
