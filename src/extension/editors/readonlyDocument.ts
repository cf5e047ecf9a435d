import type * as vscode from 'vscode';

/** A custom editor's document that holds nothing but its address: the state lives in the analysis or the report. */
export class ReadonlyDocument implements vscode.CustomDocument {
  constructor(readonly uri: vscode.Uri) {}

  /** Nothing is held, so there is nothing to give up. */
  dispose(): void {}
}
