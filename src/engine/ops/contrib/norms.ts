import type { GraphBuilder } from '../../graph/builder';
import { floatAttribute } from '../../graph/graph';
import { sliceAxis } from '../axes';
import type { Canonical } from '../canonicalForm';
import { add, div, expand, mul, reduceMean, reduceSum } from '../emit';
import type { Site } from '../rule';
import { layerNormalized } from '../standardized';

/** Normalizations with the additions before them. */

const epsilonOf = (at: Site, otherwise: number): number => floatAttribute(at.node, 'epsilon', otherwise);

const isRead = (at: Site, output: number): boolean => (at.node.outputs[output] ?? '') !== '';

/** x/√(mean x² + ε) · γ over the last axis. */
function rmsNormalized(b: GraphBuilder, x: string, rank: number, gamma: string, epsilon: number): string {
  const meanSquare = reduceMean(b, mul(b, x, x), [rank - 1]);
  return mul(b, div(b, x, b.add('Sqrt', [add(b, meanSquare, b.scalar(epsilon))])), gamma);
}

/** LayerNormalization of x + skip + bias, and that sum; the statistics of training are not given. */
export const SkipLayerNormalization: Canonical = (b, at) => {
  if (isRead(at, 1) || isRead(at, 2)) return undefined;
  const skipped = add(b, at.input(0), at.input(1));
  const sum = at.has(4) ? add(b, skipped, at.input(4)) : skipped;
  const affine = [at.input(2), at.has(3) ? at.input(3) : undefined];
  const y = layerNormalized(b, sum, at.shape(0).length, affine, epsilonOf(at, 1e-12));
  return [y, '', '', sum];
};

export const SkipSimplifiedLayerNormalization: Canonical = (b, at) => {
  if (isRead(at, 1) || isRead(at, 2)) return undefined;
  const skipped = add(b, at.input(0), at.input(1));
  const sum = at.has(3) ? add(b, skipped, at.input(3)) : skipped;
  return [rmsNormalized(b, sum, at.shape(0).length, at.input(2), epsilonOf(at, 1e-12)), '', '', sum];
};

/** Word, position and segment embeddings, added and normalized; the number of words that the mask shows; the sum. */
export const EmbedLayerNormalization: Canonical = (b, at) => {
  const [batch, length] = at.shape(0) as [number, number];
  const rows = (table: number, indices: number): string =>
    b.add('Gather', [at.input(table), at.input(indices)], { axis: { int: 0 } });
  const positions = at.has(8) ? rows(3, 8) : sliceAxis(b, at.input(3), 0, 0, length);
  const placed = add(b, rows(2, 0), positions);
  const sum = at.has(1) && at.has(4) ? add(b, placed, rows(4, 1)) : placed;
  const y = layerNormalized(b, sum, 3, [at.input(5), at.input(6)], epsilonOf(at, 1e-12));
  const none = b.constant({ elemType: 'int32', shape: [], data: Int32Array.of(0) });
  const words = at.has(7) ? reduceSum(b, at.input(7), [1], false) : expand(b, none, [], [batch]);
  return [y, words, sum];
};
