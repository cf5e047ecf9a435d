import type { Ctx } from '../ctx';
import { modelFor, type Resource } from './resource';

/** Cancels the analysis of a model, or all that run; what they have measured is kept. */
export async function cancelAnalysis(ctx: Ctx, resource?: Resource): Promise<void> {
  const chosen = resource ? [await ctx.analyses.of(modelFor(resource))] : ctx.analyses.running;
  for (const analysis of chosen) analysis.cancel();
}
