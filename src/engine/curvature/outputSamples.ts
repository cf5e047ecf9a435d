import { CurvatureError } from '../errors';

/** How many samples a model was prepared for, and what its outputs are like for two. */
export interface BatchShape {
  readonly samples: number;
  /** Shapes of the outputs for two samples, where they are known. */
  readonly pairShapes?: ReadonlyMap<string, readonly number[]>;
  /** Whether the model has no axis for samples, so that all of an output belongs to one. */
  readonly isWhole?: boolean;
}

/**
 * The shape of an output with the samples on axis 0: moved there from the axis that grows with them, or cut out of axis 0. Where nothing
 * grows visibly, the axis is told by its length. The only number that a model gives for a single sample is that sample's.
 * @throws CurvatureError `model-unsupported` where no axis counts the samples
 */
export function samplesFirst(
  output: string,
  shape: readonly number[],
  { samples, pairShapes, isWhole }: BatchShape,
): { shape: readonly number[]; sampleAxis: number } {
  if (isWhole) return { shape: shape[0] === 1 ? shape : [1, ...shape], sampleAxis: 0 };
  if (shape.length === 0 && samples === 1) return { shape: [1], sampleAxis: 0 };
  const pair = samples > 2 ? pairShapes?.get(output) : undefined;
  const growing = shape.flatMap((d, axis) => (pair && pair[axis] !== d ? [axis] : []));
  const candidates = growing.length === 1 ? growing : shape.map((_, axis) => axis);
  const [first, ...rest] = shape;
  const mayBeFirst = candidates[0] === 0;
  if (first === samples && mayBeFirst) return { shape, sampleAxis: 0 };
  const [other, ...more] = candidates.filter(axis => shape[axis] === samples && samples > 1);
  if (other !== undefined && more.length === 0)
    return { shape: [samples, ...shape.toSpliced(other, 1)], sampleAxis: other };
  if (first !== undefined && first % samples === 0 && mayBeFirst)
    return { shape: [samples, first / samples, ...rest], sampleAxis: 0 };
  throw new CurvatureError(
    'model-unsupported',
    `Output "${output}" has shape [${shape.join(', ')}], none of whose axes counts the ${samples} samples of a batch.`,
    'Choose another output with --outputs, or export the model with the batch on axis 0 of all inputs and outputs.',
  );
}

/** Where an axis of the output is once the samples have come to the front and `added` axes been cut out behind them. */
export function axisAmongSamplesFirst(axis: number, sampleAxis: number, added: number): number {
  if (axis === sampleAxis && sampleAxis > 0) return 0;
  return axis + added + (axis < sampleAxis ? 1 : 0);
}
