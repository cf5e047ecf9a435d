import * as vscode from 'vscode';
import { Disposable } from '../dispose';

/** Typing is waited for. */
const QUIET_MS = 150;

/** Checks the open files of one kind, and anew when they change. */
export abstract class FileDiagnostics extends Disposable {
  private readonly collection: vscode.DiagnosticCollection;
  private readonly pending = new Map<string, NodeJS.Timeout>();

  constructor(
    name: string,
    private readonly isChecked: (document: vscode.TextDocument) => boolean,
  ) {
    super();
    const { workspace } = vscode;
    this.collection = this.register(vscode.languages.createDiagnosticCollection(name));
    this.register(workspace.onDidOpenTextDocument(document => this.soon(document)));
    this.register(workspace.onDidChangeTextDocument(({ document }) => this.soon(document)));
    this.register(workspace.onDidCloseTextDocument(({ uri }) => this.collection.delete(uri)));
    this.recheck();
  }

  override dispose(): void {
    for (const timer of this.pending.values()) clearTimeout(timer);
    super.dispose();
  }

  protected abstract diagnose(document: vscode.TextDocument): Promise<vscode.Diagnostic[]>;

  /** Checks all open files, since what they are checked by has changed. */
  protected recheck(): void {
    vscode.workspace.textDocuments.forEach(document => this.soon(document));
  }

  private soon(document: vscode.TextDocument): void {
    if (!this.isChecked(document)) return;
    const key = document.uri.toString();
    clearTimeout(this.pending.get(key));
    this.pending.set(
      key,
      setTimeout(() => void this.check(document), QUIET_MS),
    );
  }

  private async check(document: vscode.TextDocument): Promise<void> {
    const { version } = document;
    const found = await this.diagnose(document);
    if (!document.isClosed && document.version === version) this.collection.set(document.uri, found);
  }
}

/** A remark of Curvature, with a code by which it can be told from others. */
export function diagnostic(
  range: vscode.Range,
  message: string,
  severity: vscode.DiagnosticSeverity,
  code: string,
): vscode.Diagnostic {
  const made = new vscode.Diagnostic(range, message, severity);
  made.source = 'curvature';
  made.code = code;
  return made;
}
