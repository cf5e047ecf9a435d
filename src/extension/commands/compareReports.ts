import * as vscode from 'vscode';
import type { Comparison } from '../compare/comparison';
import type { Ctx } from '../ctx';
import { activeResource, exists, fileName, isModel, isReport, toModelUri } from '../modelUri';
import { Cancelled, UserError } from '../userError';
import { showComparison } from '../views/comparePanel';
import type { Resource } from './resource';

const MOST_LISTED = 200;

interface SideItem extends vscode.QuickPickItem {
  readonly side?: vscode.Uri;
}

/**
 * Opens two reports side by side: those selected in the Explorer, or the one handed over, or in front, and one that is asked for.
 * @param selected what the Explorer has selected, or the second side
 */
export async function compareReports(
  ctx: Ctx,
  resource?: Resource,
  selected?: readonly vscode.Uri[] | vscode.Uri,
): Promise<Comparison> {
  const given = typeof resource === 'string' ? vscode.Uri.parse(resource, true) : resource;
  const chosen = [...new Map([given, ...[selected ?? []].flat()].flatMap(keyed)).values()];
  const odd = chosen.find(uri => !isReport(uri) && !isModel(uri));
  if (odd)
    throw new UserError(`${fileName(odd)} is neither a report nor a model.`, 'Reports are *.curvature.json.');
  if (chosen.length > 2)
    throw new UserError(`Two reports are compared, ${chosen.length} are selected.`, 'Select two.');
  const active = activeResource();
  const front = active && toModelUri(active);
  const first =
    chosen[0] ??
    (front && (isReport(front) || isModel(front)) ? front : await ask(ctx, 'Compare Reports: A'));
  const second = chosen[1] ?? (await ask(ctx, `Compare ${fileName(first)} with…`, first));
  return showComparison(ctx, [first, second]);
}

const keyed = (uri: vscode.Uri | undefined): (readonly [string, vscode.Uri])[] => {
  const side = uri && toModelUri(uri);
  return side ? [[side.toString(), side]] : [];
};

/** Asks for a saved report, a model whose last report is kept, or a file of the disk. */
async function ask(ctx: Ctx, title: string, besides?: vscode.Uri): Promise<vscode.Uri> {
  const find = (pattern: string): Thenable<vscode.Uri[]> =>
    vscode.workspace.findFiles(pattern, '**/node_modules/**', MOST_LISTED);
  const models = await find('**/*.onnx');
  const kept = await Promise.all(
    models.map(async model => ((await ctx.analyses.hasReport(model)) ? [model] : [])),
  );
  const isOther = (uri: vscode.Uri): boolean => uri.toString() !== besides?.toString();
  const toItem = (icon: string, detail: string) => (side: vscode.Uri) => ({
    label: `$(${icon}) ${fileName(side)}`,
    description: `${vscode.workspace.asRelativePath(vscode.Uri.joinPath(side, '..'))}${detail}`,
    side,
  });
  const byPath = (a: vscode.Uri, b: vscode.Uri): number => a.path.localeCompare(b.path);
  const items: SideItem[] = [
    ...(await find('**/*.curvature.json')).filter(isOther).sort(byPath).map(toItem('graph-line', '')),
    ...kept.flat().filter(isOther).sort(byPath).map(toItem('file-binary', ', last analysis')),
  ];
  const browse: SideItem = { label: '$(folder-opened) Browse…', alwaysShow: true };
  const picked = items.length
    ? await vscode.window.showQuickPick<SideItem>([...items, browse], {
        title,
        placeHolder: 'Which report?',
        matchOnDescription: true,
      })
    : browse;
  const side = picked && (picked.side ?? (await browseForReport(title)));
  if (!side) throw new Cancelled('no report was chosen');
  if (!(await exists(side))) throw new UserError(`${fileName(side)} is not there any more.`);
  return side;
}

const browseForReport = async (title: string): Promise<vscode.Uri | undefined> =>
  (await vscode.window.showOpenDialog({ title, filters: { 'Curvature reports': ['json'] } }))?.[0];
