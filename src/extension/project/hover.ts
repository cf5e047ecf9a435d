import * as vscode from 'vscode';
import { rangeOf } from '../json/range';
import { readProjectDocument } from './document';
import { trainingMarkdown } from './markdown';
import type { ProjectStudies } from './projectStudies';

/** Tells what the settings of training do, on each of their lines in a project's file. */
export class TrainingHover implements vscode.HoverProvider {
  constructor(private readonly studies: ProjectStudies) {}

  async provideHover(
    document: vscode.TextDocument,
    position: vscode.Position,
  ): Promise<vscode.Hover | undefined> {
    const { training, entries } = readProjectDocument(document.getText());
    const entry = entries.find(({ whole }) => rangeOf(document, whole).contains(position));
    if (!entry) return undefined;
    const text = trainingMarkdown(training, await this.studies.of(document.uri));
    return new vscode.Hover(new vscode.MarkdownString(text), rangeOf(document, entry.whole));
  }
}
