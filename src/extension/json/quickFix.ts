import * as vscode from 'vscode';
import { rangeOf } from './range';
import type { Replacement } from './spans';

/** A fix that replaces parts of a file. @param diagnostics what it mends */
export function quickFix(
  document: vscode.TextDocument,
  title: string,
  replacements: readonly Replacement[],
  diagnostics: vscode.Diagnostic[] = [],
  isPreferred = false,
): vscode.CodeAction {
  const action = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
  action.edit = new vscode.WorkspaceEdit();
  for (const { where, text } of replacements)
    action.edit.replace(document.uri, rangeOf(document, where), text);
  action.diagnostics = diagnostics;
  action.isPreferred = isPreferred;
  return action;
}
