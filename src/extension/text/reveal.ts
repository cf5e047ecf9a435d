import * as vscode from 'vscode';
import type { Ctx } from '../ctx';
import { toTextUri } from '../modelUri';

/** Opens a model's text; with a layer, at the line where its weight is used. A text already open is used again. */
export async function revealText(ctx: Ctx, model: vscode.Uri, layer?: string): Promise<vscode.TextEditor> {
  const uri = toTextUri(model);
  const document = await vscode.workspace.openTextDocument(uri);
  const line = layer === undefined ? undefined : (await ctx.texts.of(model)).lineOfLayer.get(layer);
  const selection = line === undefined ? undefined : new vscode.Range(line, 0, line, 0);
  const open = vscode.window.visibleTextEditors.find(
    editor => editor.document.uri.toString() === uri.toString(),
  );
  const viewColumn = open?.viewColumn ?? vscode.ViewColumn.Beside;
  return vscode.window.showTextDocument(document, {
    viewColumn,
    preview: false,
    ...(selection ? { selection } : {}),
  });
}
