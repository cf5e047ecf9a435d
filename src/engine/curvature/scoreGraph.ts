import { type LossSpec, targetsName } from '../autodiff/loss';
import type { GraphBuilder } from '../graph/builder';
import type { Graph } from '../graph/graph';
import { exp, indicator, mul, reduceSum, sub } from '../ops/emit';
import type { Prepared } from '../runtime/prepare';
import { forwardGraph } from './differenceGraphs';
import type { Layer } from './layers';
import { withSampleLosses } from './sampleLosses';

/** The logits of the unchanged model. */
export const REFERENCE = 'curvature/reference';
/** Each sample's share of the mean loss, of the mean divergence from the unchanged model, and its count of right answers. */
export const LOSSES = 'curvature/losses';
export const DIVERGENCES = 'curvature/divergences';
export const HITS = 'curvature/hits';

/**
 * What a changed model is scored by, with the weights of `layers` as inputs. The divergence is KL for losses over classes, and the mean
 * squared change of the outputs for mse: what has the Gauss–Newton matrix for its Hessian. Hits need class labels.
 */
export async function scoreGraph(
  prepared: Prepared,
  loss: LossSpec,
  layers: readonly Layer[],
): Promise<Graph> {
  const forward = forwardGraph(prepared, loss, layers);
  const reference = { name: REFERENCE, elemType: 'float32', shape: loss.shape } as const;
  if (!loss.isLabelled) {
    // The loss is the divergence itself.
    const graph = { ...forward, inputs: [...forward.inputs, reference] };
    const types = new Map(prepared.types).set(REFERENCE, reference);
    const { b, losses } = await withSampleLosses({ graph, types }, loss, REFERENCE);
    b.alias(losses, LOSSES);
    return b.build([LOSSES]);
  }
  const { b, losses, weight } = await withSampleLosses({ graph: forward, types: prepared.types }, loss);
  b.input(reference);
  b.alias(losses, LOSSES);
  const divergence = loss.kind === 'mse' ? squaredChanges : divergences;
  b.alias(reduceSum(b, mul(b, divergence(b, loss), weight), axesOfSample(loss), false), DIVERGENCES);
  if (loss.kind === 'mse') return b.build([LOSSES, DIVERGENCES]);
  b.alias(hits(b, loss), HITS);
  return b.build([LOSSES, DIVERGENCES, HITS]);
}

const axesOfSample = ({ shape }: LossSpec): number[] => shape.map((_, axis) => axis).slice(1);

function squaredChanges(b: GraphBuilder, { logits }: LossSpec): string {
  const change = sub(b, logits, REFERENCE);
  return mul(b, change, change);
}

/** p₀ (log p₀ − log p) */
function divergences(b: GraphBuilder, { logits, classAxis }: LossSpec): string {
  const axis = { axis: { int: classAxis } };
  const own = b.add('LogSoftmax', [REFERENCE], axis);
  return mul(b, exp(b, own), sub(b, own, b.add('LogSoftmax', [logits], axis)));
}

/** Positions of each sample whose largest logit is the label's; ignored labels match no class. */
function hits(b: GraphBuilder, { logits, shape, classAxis }: LossSpec): string {
  const chosen = b.add('ArgMax', [logits], { axis: { int: classAxis }, keepdims: { int: 0 } });
  const isRight = indicator(b, b.add('Equal', [chosen, targetsName('cross-entropy')]));
  const labelShape = shape.filter((_, axis) => axis !== classAxis);
  return reduceSum(b, isRight, labelShape.map((_, axis) => axis).slice(1), false);
}
