import type { Optimizer, Training } from './optimizers';

/** What is offered where the settings say nothing. */
export const usualBatchSize = 32;
export const usualMomentum = (optimizer: Optimizer): number => (optimizer === 'adam' ? 0.9 : 0);

/** Settings without a usual value: they have to be given. */
export type Needed = 'learningRate' | 'batchSize';

/**
 * The settings with the usual values in place of what is left open: plain SGD is what most people mean by no optimizer and no momentum, so that
 * two numbers are enough. Where these are missing too, which.
 */
export function completed(
  known: Partial<Training>,
): { readonly training: Training } | { readonly missing: readonly Needed[] } {
  const { optimizer = 'sgd', learningRate, batchSize } = known;
  const momentum = known.momentum ?? usualMomentum(optimizer);
  if (learningRate !== undefined && batchSize !== undefined)
    return { training: { optimizer, learningRate, batchSize, momentum } };
  return {
    missing: [
      ...(learningRate === undefined ? ['learningRate' as const] : []),
      ...(batchSize === undefined ? ['batchSize' as const] : []),
    ],
  };
}
