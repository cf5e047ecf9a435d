import type { Ctx } from '../ctx';
import { revealText } from '../text/reveal';
import { modelFor, type Resource } from './resource';

/** Opens the model's nodes as text beside. */
export async function showModelText(ctx: Ctx, resource?: Resource): Promise<void> {
  await revealText(ctx, modelFor(resource));
}
