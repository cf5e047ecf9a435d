import * as vscode from 'vscode';
import { completed } from '../../engine/training/settings';
import { isMeasuredFor } from '../../engine/training/verdict';
import { quickFix } from '../json/quickFix';
import { rangeOf } from '../json/range';
import { studyCommands } from '../studies';
import { readProjectDocument, replacements } from './document';
import { trainingFixes } from './findings';
import type { ProjectStudies } from './projectStudies';

/** Offers settings of training that are stable, on each of those that stand in a project's file. */
export class TrainingFixes implements vscode.CodeActionProvider {
  static readonly kinds = [vscode.CodeActionKind.QuickFix];

  constructor(private readonly studies: ProjectStudies) {}

  async provideCodeActions(
    document: vscode.TextDocument,
    range: vscode.Range,
    { diagnostics }: vscode.CodeActionContext,
  ): Promise<vscode.CodeAction[]> {
    const content = readProjectDocument(document.getText());
    const settled = completed(content.training);
    const isHere = content.entries.some(({ whole }) => rangeOf(document, whole).intersection(range));
    if (!isHere || 'missing' in settled) return [];
    const { training } = settled;
    const models = await this.studies.of(document.uri);
    const shown = (...codes: string[]) => diagnostics.filter(({ code }) => codes.includes(code as string));
    const changes = trainingFixes(training, models).map(({ title, changes: changed }, index) =>
      quickFix(
        document,
        title,
        replacements(content, changed),
        shown('unstable', 'edge-of-stability'),
        index === 0,
      ),
    );
    const measures = models
      .filter(({ study }) => !isMeasuredFor(training, study))
      .map(({ model, name }) => {
        const title = `Measure the stability of training of ${name}`;
        const action = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
        action.command = { title, command: studyCommands.stability, arguments: [model] };
        action.diagnostics = shown('not-measured');
        return action;
      });
    return [...changes, ...measures];
  }
}
