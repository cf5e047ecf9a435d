import { readOptions } from '../config';
import type { Ctx } from '../ctx';
import { analyzeModelFile } from './analyzeCurvature';
import { modelFor, type Resource } from './resource';

/** Analyses a model with its activations, whose traces are found beside the layers'. */
export async function measureActivations(ctx: Ctx, resource?: Resource): Promise<void> {
  const model = modelFor(resource);
  const { activations = 'min-max' } = readOptions(model);
  await analyzeModelFile(ctx, model, false, { activations });
}
