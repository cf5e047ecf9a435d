import * as vscode from 'vscode';
import type { StudyKind } from '../engine/analysis/study';
import type { StudyChoice } from '../protocol/view';
import { readOptions } from './config';
import type { Ctx } from './ctx';
import { MODEL_EDITOR } from './editors/modelEditor';
import { fileName } from './modelUri';
import { studyCommands, studyRequest, studyTitles } from './studies';
import { trainingOf } from './training';
import { analysisError, Cancelled, UserError } from './userError';
import { withProgress } from './withProgress';
import { modelFor, type Resource } from './commands/resource';

/** A command that measures one thing beside the analysis of a model, and puts it into that model's report. */
export const measure =
  (kind: StudyKind) =>
  async (ctx: Ctx, resource?: Resource, asked: StudyChoice = {}): Promise<void> => {
    const model = modelFor(resource);
    if (!vscode.workspace.isTrusted) {
      throw new UserError('Models are not run in an untrusted workspace.', 'Trust the workspace first.');
    }
    const analysis = await ctx.analyses.of(model);
    if (!analysis.report?.complete) {
      throw new UserError(`There is no whole report of ${fileName(model)} yet.`, undefined, [
        { title: 'Analyze Curvature', command: 'curvature.analyzeCurvature', args: [model] },
      ]);
    }
    if (analysis.isRunning) throw new UserError(`${fileName(model)} is being measured already.`);
    const data = await ctx.data.find(model);
    if (!data) throw new Cancelled('no data was chosen');
    const choice = (asked.resume ? analysis.keptChoice(kind) : undefined) ?? asked;
    const training = kind === 'stability' ? await trainingOf(model, choice.askAgain) : undefined;
    await vscode.commands.executeCommand('vscode.openWith', model, MODEL_EDITOR);
    const base = {
      ...readOptions(model),
      model: model.fsPath,
      ...(data.kind === 'file' ? { data: data.path } : {}),
    };
    const request = studyRequest(kind, base, choice, training);
    try {
      await withProgress(
        `${studyTitles[kind]} of ${fileName(model)}`,
        () => analysis.cancel(),
        onProgress => analysis.study(request, onProgress),
      );
    } catch (error) {
      const command = studyCommands[kind];
      const resume = { command, args: [model, { resume: true } satisfies StudyChoice] };
      throw analysisError(error, model, command, analysis.keptChoice(kind) ? resume : undefined);
    }
  };
