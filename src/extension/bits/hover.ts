import * as vscode from 'vscode';
import type { Analyses } from '../analyses';
import { rangeOf } from '../json/range';
import { bitsOf, readBitsFile } from './bitsFile';
import { widthMarkdown } from './markdown';

/** Tells what a layer's width costs, on its line in a file of bit widths. */
export class BitsHover implements vscode.HoverProvider {
  constructor(private readonly analyses: Analyses) {}

  async provideHover(
    document: vscode.TextDocument,
    position: vscode.Position,
  ): Promise<vscode.Hover | undefined> {
    const { content, report } = await readBitsFile(document, this.analyses);
    const entry = content.entries.find(({ whole }) => rangeOf(document, whole).contains(position));
    const text = entry && report && widthMarkdown(entry.layer, bitsOf(content), report);
    return text
      ? new vscode.Hover(new vscode.MarkdownString(text), rangeOf(document, entry.whole))
      : undefined;
  }
}
