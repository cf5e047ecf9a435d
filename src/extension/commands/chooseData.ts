import * as vscode from 'vscode';
import type { Ctx } from '../ctx';
import { fileName } from '../modelUri';
import { Cancelled } from '../userError';
import { modelFor, type Resource } from './resource';

/** Asks for a model's data anew, and offers to analyse with it. */
export async function chooseData(ctx: Ctx, resource?: Resource): Promise<void> {
  const model = modelFor(resource);
  const choice = await ctx.data.choose(model);
  if (!choice) throw new Cancelled('no data was chosen');
  const data = choice.kind === 'file' ? fileName(vscode.Uri.file(choice.path)) : 'synthetic inputs';
  const analyze = 'Analyze Curvature';
  void vscode.window
    .showInformationMessage(`${fileName(model)} will be analyzed on ${data}.`, analyze)
    .then(chosen => chosen && vscode.commands.executeCommand('curvature.analyzeCurvature', model));
}
