import * as vscode from 'vscode';
import { completed } from '../../engine/training/settings';
import { diagnostic, FileDiagnostics } from '../json/fileDiagnostics';
import { rangeOf } from '../json/range';
import { readProjectDocument } from './document';
import { trainingFindings, type TrainingFinding } from './findings';
import { isProjectFile, type ProjectStudies } from './projectStudies';

const severities = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  info: vscode.DiagnosticSeverity.Information,
} satisfies Record<TrainingFinding['severity'], vscode.DiagnosticSeverity>;

/** Judges the training settings of open projects' files by what was measured of their models. */
export class TrainingDiagnostics extends FileDiagnostics {
  constructor(private readonly studies: ProjectStudies) {
    super('curvature-training', isProjectFile);
    this.register(studies.onDidChange(() => this.recheck()));
  }

  protected async diagnose(document: vscode.TextDocument): Promise<vscode.Diagnostic[]> {
    const { training, entries } = readProjectDocument(document.getText());
    const settled = completed(training);
    if ('missing' in settled) return [];
    const at = (setting: string) => entries.find(one => one.setting === setting);
    return trainingFindings(settled.training, await this.studies.of(document.uri)).flatMap(finding => {
      const { code, message, severity } = finding;
      const entry = (code === 'not-measured' && at('optimizer')) || at('learningRate');
      return entry ? [diagnostic(rangeOf(document, entry.whole), message, severities[severity], code)] : [];
    });
  }
}
