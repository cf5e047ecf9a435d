import * as vscode from 'vscode';
import type { Analyses } from '../analyses';
import { toModelUri } from '../modelUri';
import { layerMarkdown, notAnalysedMarkdown } from './layerMarkdown';
import type { ModelTexts } from './modelTexts';

const LINKED_COMMAND = 'curvature.analyzeCurvature';

/** Tells what is known of the layers whose weights a line uses. */
export class LayerHover implements vscode.HoverProvider {
  constructor(
    private readonly texts: ModelTexts,
    private readonly analyses: Analyses,
  ) {}

  async provideHover(
    document: vscode.TextDocument,
    position: vscode.Position,
  ): Promise<vscode.Hover | undefined> {
    const model = toModelUri(document.uri);
    const layers = (await this.texts.of(model)).layersAt.get(position.line);
    if (!layers) return undefined;
    const { report } = await this.analyses.of(model);
    const known = report?.layers.filter(layer => layers.includes(layer.name)) ?? [];
    const range = document.lineAt(position.line).range;
    if (report && known.length) {
      return new vscode.Hover(
        known.map(layer => new vscode.MarkdownString(layerMarkdown(layer, report))),
        range,
      );
    }
    const link = vscode.workspace.isTrusted ? commandLink(document.uri) : undefined;
    const text = new vscode.MarkdownString(notAnalysedMarkdown(layers, link));
    // Names of layers are escaped, so the one link in this text is ours; nothing else is allowed to run all the same.
    text.isTrusted = { enabledCommands: [LINKED_COMMAND] };
    return new vscode.Hover(text, range);
  }
}

const commandLink = (uri: vscode.Uri): string =>
  `command:${LINKED_COMMAND}?${encodeURIComponent(JSON.stringify([uri.toString()]))}`;
