import type { Ctx } from '../ctx';
import { fileName } from '../modelUri';
import { UserError } from '../userError';
import { analyzeModelFile } from './analyzeCurvature';
import { modelFor, type Resource } from './resource';

/** Goes on with the analysis of a model that was cancelled, or that ended with its process or window. */
export async function resumeAnalysis(ctx: Ctx, resource?: Resource): Promise<void> {
  const model = modelFor(resource);
  const { canResume, report } = await ctx.analyses.of(model);
  if (!canResume) {
    throw new UserError(
      `Nothing is kept of an analysis of ${fileName(model)} that was cut short.`,
      undefined,
      [{ title: 'Analyze Curvature', command: 'curvature.analyzeCurvature', args: [model] }],
    );
  }
  const activations = report?.settings.activations;
  await analyzeModelFile(ctx, model, true, activations ? { activations } : {});
}
