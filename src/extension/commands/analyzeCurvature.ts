import * as vscode from 'vscode';
import type { AnalyzeOptions } from '../../engine/analysis/options';
import { readOptions } from '../config';
import type { Ctx } from '../ctx';
import { MODEL_EDITOR } from '../editors/modelEditor';
import { fileName } from '../modelUri';
import { Cancelled, UserError, analysisError } from '../userError';
import { withProgress } from '../withProgress';
import { modelFor, type Resource } from './resource';

/** Analyses a model and shows its report, which fills while the analysis runs. */
export async function analyzeCurvature(ctx: Ctx, resource?: Resource): Promise<void> {
  await analyzeModelFile(ctx, resource, false);
}

/**
 * @param resume go on with what a run that was cut short has kept
 * @param chosen in place of the settings
 */
export async function analyzeModelFile(
  ctx: Ctx,
  resource: Resource | undefined,
  resume: boolean,
  chosen: Pick<AnalyzeOptions, 'activations'> = {},
): Promise<void> {
  const model = modelFor(resource);
  if (!vscode.workspace.isTrusted) {
    throw new UserError(
      'Models are not run in an untrusted workspace.',
      'Trust the workspace to analyze them.',
      [{ title: 'Manage Trust', command: 'workbench.trust.manage', args: [] }],
    );
  }
  const analysis = await ctx.analyses.of(model);
  if (analysis.isRunning) {
    await showPanel(model);
    return;
  }
  const data = await ctx.data.find(model);
  if (!data) throw new Cancelled('no data was chosen');
  await showPanel(model);
  const options = {
    ...readOptions(model),
    ...chosen,
    model: model.fsPath,
    ...(data.kind === 'file' ? { data: data.path } : {}),
  };
  ctx.log.info(
    `${resume ? 'Resuming' : 'Analyzing'} ${model.fsPath} on ${data.kind === 'file' ? data.path : 'synthetic inputs'}`,
  );
  try {
    await withProgress(
      `Curvature of ${fileName(model)}`,
      () => analysis.cancel(),
      onProgress => analysis.run(options, onProgress, resume),
    );
  } catch (error) {
    const going = { command: 'curvature.resumeAnalysis', args: [model] };
    throw analysisError(error, model, 'curvature.analyzeCurvature', analysis.canResume ? going : undefined);
  }
}

const showPanel = (model: vscode.Uri): Thenable<unknown> =>
  vscode.commands.executeCommand('vscode.openWith', model, MODEL_EDITOR);
