import * as vscode from 'vscode';
import type { Analyses } from '../analyses';
import { diagnostic, FileDiagnostics } from '../json/fileDiagnostics';
import { rangeOf } from '../json/range';
import { bitsOf, isBitsFile, readBitsFile } from './bitsFile';
import { bitsFindings, findingText, type BitsFinding } from './findings';

const severities = {
  'unknown-layer': vscode.DiagnosticSeverity.Warning,
  'width-not-measured': vscode.DiagnosticSeverity.Information,
  'too-few-bits': vscode.DiagnosticSeverity.Warning,
  'untrusted-width': vscode.DiagnosticSeverity.Information,
} satisfies Record<BitsFinding['kind'], vscode.DiagnosticSeverity>;

const noReport =
  'No report to check these widths by: name one in “report”, save it as MODEL.curvature.json beside the model, or analyze the model.';

/** Checks open files of bit widths against their reports, and anew when either changes. */
export class BitsDiagnostics extends FileDiagnostics {
  constructor(private readonly analyses: Analyses) {
    super('curvature-bits', isBitsFile);
    const reports = this.register(vscode.workspace.createFileSystemWatcher('**/*.curvature.json'));
    for (const event of [reports.onDidChange, reports.onDidCreate, reports.onDidDelete])
      this.register(event(() => this.recheck()));
    this.register(analyses.onDidChange(({ isRunning }) => isRunning || this.recheck()));
  }

  protected async diagnose(document: vscode.TextDocument): Promise<vscode.Diagnostic[]> {
    const { content, report } = await readBitsFile(document, this.analyses);
    const found = report ? bitsFindings(bitsOf(content), report) : [];
    const diagnostics = found.flatMap(finding => {
      const entry = content.entries.find(({ layer }) => layer === finding.layer);
      if (!entry) return [];
      const where = finding.kind === 'unknown-layer' ? entry.name : entry.whole;
      const text = findingText(finding, entry.bits ?? 0);
      return [diagnostic(rangeOf(document, where), text, severities[finding.kind], finding.kind)];
    });
    const { heading } = content;
    if (report || !heading) return diagnostics;
    const { Information } = vscode.DiagnosticSeverity;
    return [diagnostic(rangeOf(document, heading), noReport, Information, 'no-report')];
  }
}
