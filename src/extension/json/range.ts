import * as vscode from 'vscode';
import type { Span } from './spans';

export const rangeOf = (document: vscode.TextDocument, { offset, length }: Span): vscode.Range =>
  new vscode.Range(document.positionAt(offset), document.positionAt(offset + length));
