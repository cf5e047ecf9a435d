import * as vscode from 'vscode';
import { spectrumMatrix } from '../../engine/report/layerSpectrum';
import type { Analyses } from '../analyses';
import { toModelUri } from '../modelUri';
import { commandLink, layerMarkdown, notAnalysedMarkdown } from './layerMarkdown';
import type { ModelTexts } from './modelTexts';

const ANALYZE = 'curvature.analyzeCurvature';
const SPECTRUM = 'curvature.layerSpectrum';

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
    const link = (command: string, ...args: string[]): string | undefined =>
      vscode.workspace.isTrusted ? commandLink(command, [document.uri.toString(), ...args]) : undefined;
    if (report && known.length) {
      const texts = known.map(layer => {
        const hasSpectrum = report.complete && spectrumMatrix(layer) !== undefined;
        return layerMarkdown(layer, report, hasSpectrum ? link(SPECTRUM, layer.name) : undefined);
      });
      return new vscode.Hover(texts.map(linked), range);
    }
    return new vscode.Hover(linked(notAnalysedMarkdown(layers, link(ANALYZE))), range);
  }
}

/** Names of layers are escaped, so that the links in a text are ours; nothing else is allowed to run all the same. */
function linked(text: string): vscode.MarkdownString {
  const made = new vscode.MarkdownString(text);
  made.isTrusted = { enabledCommands: [ANALYZE, SPECTRUM] };
  return made;
}
