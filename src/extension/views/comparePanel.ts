import * as vscode from 'vscode';
import type { CompareState, FromCompareView } from '../../protocol/compareView';
import { Comparison } from '../compare/comparison';
import type { Ctx } from '../ctx';
import { MODEL_EDITOR } from '../editors/modelEditor';
import { REPORT_EDITOR } from '../editors/reportEditor';
import { isReport } from '../modelUri';
import { type Page, PagePanel } from './pagePanel';

export const COMPARE_VIEW = 'curvature.compare';

const page: Page<FromCompareView> = {
  name: 'compare',
  messages: { ready: true, compareHessians: true, cancel: true, openReport: true },
};

/** Opens a tab with two reports side by side. */
export async function showComparison(
  ctx: Ctx,
  sides: readonly [vscode.Uri, vscode.Uri],
): Promise<Comparison> {
  const comparison = await Comparison.of(ctx, sides);
  const panel = vscode.window.createWebviewPanel(
    COMPARE_VIEW,
    comparison.state.title,
    vscode.ViewColumn.Active,
    {},
  );
  fill(ctx, panel, comparison);
  return comparison;
}

/** Fills tabs again that were open when the window was closed, from what the page has kept. */
export class ComparePanelSerializer implements vscode.WebviewPanelSerializer {
  constructor(private readonly ctx: Ctx) {}

  async deserializeWebviewPanel(panel: vscode.WebviewPanel, kept: unknown): Promise<void> {
    const { sources } = (kept ?? {}) as { sources?: unknown };
    const [a, b] = Array.isArray(sources) ? sources.map(source => vscode.Uri.parse(String(source))) : [];
    if (a && b) fill(this.ctx, panel, await Comparison.of(this.ctx, [a, b]));
    else panel.dispose();
  }
}

function fill(ctx: Ctx, panel: vscode.WebviewPanel, comparison: Comparison): void {
  panel.onDidDispose(() => comparison.dispose());
  new PagePanel<CompareState, FromCompareView>(panel, ctx.extensionUri, page, comparison.state.title, {
    get state() {
      return comparison.state;
    },
    onDidChange: comparison.onDidChange,
    handle(message) {
      switch (message.type) {
        case 'compareHessians':
          return comparison.compareHessians();
        case 'cancel':
          return comparison.cancel();
        case 'openReport': {
          const source = comparison.sides[message.side === 'a' ? 0 : 1];
          const editor = isReport(source) ? REPORT_EDITOR : MODEL_EDITOR;
          return vscode.commands.executeCommand('vscode.openWith', source, editor);
        }
      }
    },
  });
}
