import * as vscode from 'vscode';
import type { Analyses } from '../analyses';
import { Disposable } from '../dispose';
import { toModelUri } from '../modelUri';
import { layerLabel } from './layerLabel';
import type { ModelTexts } from './modelTexts';

/** Puts the suggested bits and the trace at the end of each layer's line. */
export class LayerHints extends Disposable implements vscode.InlayHintsProvider {
  private readonly changed = this.register(new vscode.EventEmitter<void>());
  readonly onDidChangeInlayHints = this.changed.event;

  constructor(
    private readonly texts: ModelTexts,
    private readonly analyses: Analyses,
  ) {
    super();
    this.register(analyses.onDidChange(() => this.changed.fire()));
  }

  async provideInlayHints(document: vscode.TextDocument, range: vscode.Range): Promise<vscode.InlayHint[]> {
    const model = toModelUri(document.uri);
    const [{ layersAt }, { report }] = await Promise.all([this.texts.of(model), this.analyses.of(model)]);
    if (!report) return [];
    const hints: vscode.InlayHint[] = [];
    for (const [line, names] of layersAt) {
      if (line < range.start.line || line > range.end.line || line >= document.lineCount) continue;
      const layers = report.layers.filter(layer => names.includes(layer.name));
      const label = layers
        .map(layer => layerLabel(layer, report))
        .filter(Boolean)
        .join(', ');
      if (!label) continue;
      const hint = new vscode.InlayHint(document.lineAt(line).range.end, label);
      hint.paddingLeft = true;
      hints.push(hint);
    }
    return hints;
  }
}
