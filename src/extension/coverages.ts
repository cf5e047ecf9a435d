import type * as vscode from 'vscode';
import type { Coverage } from '../engine/report/coverage';
import { Disposable } from './dispose';
import type { EngineClient } from './engineClient';
import { toModelUri } from './modelUri';

/** What of each model can be measured, asked for once while the file stays as it is. */
export class Coverages extends Disposable {
  private readonly known = new Map<string, Promise<Coverage>>();

  /** @param onDidChangeModel fires with the text of a model whose file has changed */
  constructor(
    private readonly newEngine: () => EngineClient,
    onDidChangeModel: vscode.Event<vscode.Uri>,
  ) {
    super();
    this.register(onDidChangeModel(text => this.known.delete(toModelUri(text).toString())));
  }

  /** Rejects with an EngineError where the model can't be analysed. */
  of(model: vscode.Uri): Promise<Coverage> {
    const key = model.toString();
    const coverage = this.known.get(key) ?? this.ask(model);
    this.known.set(key, coverage);
    return coverage;
  }

  /** In a process of its own, since ONNX Runtime loads the model there, and gone with it. */
  private async ask(model: vscode.Uri): Promise<Coverage> {
    const engine = this.newEngine();
    try {
      return await engine.coverage(model.fsPath);
    } finally {
      engine.dispose();
    }
  }
}
