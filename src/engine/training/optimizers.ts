/** Optimizers whose stability on a quadratic loss is known in closed form. With momentum 0 the first two are gradient descent. */
export const optimizers = ['sgd', 'nesterov', 'adam'] as const;
export type Optimizer = (typeof optimizers)[number];

/** What a model is trained with. */
export interface Training {
  /** η. */
  readonly learningRate: number;
  /** B. */
  readonly batchSize: number;
  /** β, below 1: PyTorch's momentum with dampening 0, or Adam's β₁. */
  readonly momentum: number;
  readonly optimizer: Optimizer;
}

/**
 * The largest ηλ at which the iteration on a quadratic of curvature λ does not diverge: 2(1+β) for heavy ball (Polyak 1964), 2(1+β)/(1+2β)
 * for Nesterov's form, 2(1+β)/(1−β) for a mean of gradients as in Adam, where λ is an eigenvalue of the Hessian divided by Adam's
 * steps on both sides (Cohen et al., arXiv 2207.14484).
 */
export function stableProduct(optimizer: Optimizer, momentum: number): number {
  const heavyBall = 2 * (1 + momentum);
  switch (optimizer) {
    case 'sgd':
      return heavyBall;
    case 'nesterov':
      return heavyBall / (1 + 2 * momentum);
    case 'adam':
      return heavyBall / (1 - momentum);
  }
}

/** `SGD with momentum 0.9`. */
export function optimizerName({ optimizer, momentum }: Pick<Training, 'optimizer' | 'momentum'>): string {
  if (optimizer === 'adam') return `Adam with β₁ ${momentum}`;
  if (momentum === 0) return 'SGD';
  return `SGD with ${optimizer === 'nesterov' ? 'Nesterov ' : ''}momentum ${momentum}`;
}

/** What one optimizer allows on a quadratic loss with the whole batch. */
export interface FullBatchBound extends Pick<Training, 'optimizer' | 'momentum'> {
  /** The largest λmax at the learning rate that is trained with. */
  readonly largestCurvature: number;
  /** The largest learning rate at the λmax that was measured; null for a λmax of another matrix. */
  readonly learningRate: number | null;
}

/**
 * Bounds of gradient descent, of the momentum at hand in both forms, and of Adam's form, whose λmax is of another matrix than the others'.
 * @param largest λmax of the matrix that the optimizer at hand is trained on
 */
export function fullBatchBounds(
  { learningRate, momentum, optimizer }: Training,
  largest: number,
): FullBatchBound[] {
  const rows = [
    { optimizer: 'sgd' as const, momentum: 0 },
    ...(momentum === 0 ? [] : optimizers.map(o => ({ optimizer: o, momentum }))),
  ];
  return rows.map(row => {
    const product = stableProduct(row.optimizer, row.momentum);
    const isSameMatrix = (row.optimizer === 'adam') === (optimizer === 'adam');
    return {
      ...row,
      largestCurvature: product / learningRate,
      learningRate: isSameMatrix ? product / largest : null,
    };
  });
}

/** `heavy ball 0.9`. */
export function boundName({ optimizer, momentum }: Pick<Training, 'optimizer' | 'momentum'>): string {
  if (momentum === 0) return 'gradient descent';
  return { sgd: 'heavy ball', nesterov: 'Nesterov', adam: 'Adam form' }[optimizer] + ` ${momentum}`;
}
