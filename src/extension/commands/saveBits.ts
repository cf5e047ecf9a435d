import path from 'node:path';
import * as vscode from 'vscode';
import { bitsText } from '../../engine/report/bitsText';
import { granularityOf } from '../../engine/report/granularity';
import type { BitWidths } from '../chosenWidths';
import type { Ctx } from '../ctx';
import { exists, fileName, isReport } from '../modelUri';
import { Cancelled, UserError } from '../userError';
import { findReport, modelOf } from './findReport';
import type { Resource } from './resource';

/** Writes the widths that the panel shows, or the report's suggestion, to `target`, or to where the user says. */
export async function saveBits(
  ctx: Ctx,
  resource?: Resource,
  given?: BitWidths,
  target?: vscode.Uri,
): Promise<void> {
  const found = await findReport(ctx, resource);
  const { report, source, base } = found;
  const bits = given ?? ctx.widths.of(source, report);
  if (Object.keys(bits).length === 0) {
    throw new UserError('The report has no bit widths to save.', 'Analyze the model to its end first.');
  }
  const file = target ?? (await askTarget(base));
  if (!file) throw new Cancelled('no file was chosen');
  const folder = path.posix.dirname(file.path);
  const beside = (uri: vscode.Uri): string => path.posix.relative(folder, uri.path);
  const saved = isReport(source) ? source : base.with({ path: `${base.path}.curvature.json` });
  const text = bitsText({
    model: beside(modelOf(found)),
    ...((await exists(saved)) ? { report: beside(saved) } : {}),
    granularity: granularityOf(report),
    bits,
  });
  await vscode.workspace.fs.writeFile(file, Buffer.from(text));
  if (target) return;
  const open = 'Open';
  void vscode.window
    .showInformationMessage(`Saved ${fileName(file)}.`, open)
    .then(chosen => chosen && vscode.window.showTextDocument(file));
}

const askTarget = (base: vscode.Uri): Thenable<vscode.Uri | undefined> =>
  vscode.window.showSaveDialog({
    title: 'Save Bit Widths',
    defaultUri: base.with({ path: `${base.path}.bits.json` }),
    filters: { 'Bit widths': ['bits.json'] },
  });
