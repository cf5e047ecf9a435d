import * as vscode from 'vscode';
import type { ModelDescription } from '../../engine/analysis/modelDescription';
import { Disposable } from '../dispose';
import { toEngineError } from '../engineError';
import { TEXT_SCHEME, fileName, toModelUri, toTextUri } from '../modelUri';
import { renderFailure, renderModel, type ModelText } from './modelText';

/** The texts of models, kept while the file stays as it is. */
export class ModelTexts extends Disposable implements vscode.TextDocumentContentProvider {
  private readonly changed = this.register(new vscode.EventEmitter<vscode.Uri>());
  readonly onDidChange = this.changed.event;
  private readonly texts = new Map<string, Promise<ModelText>>();

  constructor(private readonly describe: (path: string) => Promise<ModelDescription>) {
    super();
    const watcher = this.register(vscode.workspace.createFileSystemWatcher('**/*.onnx'));
    const forget = (model: vscode.Uri): void => {
      if (this.texts.delete(model.toString())) this.changed.fire(toTextUri(model));
    };
    for (const event of [watcher.onDidChange, watcher.onDidCreate, watcher.onDidDelete])
      this.register(event(forget));
    this.register(vscode.workspace.registerTextDocumentContentProvider(TEXT_SCHEME, this));
  }

  /** Never rejects: a model that can't be read has a text that says so. */
  of(model: vscode.Uri): Promise<ModelText> {
    const key = model.toString();
    const text = this.texts.get(key) ?? this.render(model);
    this.texts.set(key, text);
    return text;
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    return (await this.of(toModelUri(uri))).text;
  }

  private async render(model: vscode.Uri): Promise<ModelText> {
    try {
      return renderModel(await this.describe(model.fsPath));
    } catch (thrown) {
      const { message, hint } = toEngineError(thrown);
      this.texts.delete(model.toString());
      return renderFailure(fileName(model), hint ? `${message}\n${hint}` : message);
    }
  }
}
