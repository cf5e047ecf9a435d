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
/** Each sample's share of the mean loss, of the mean divergence from the unchanged model as it is and tempered, and its count of right answers. */
export const LOSSES = 'curvature/losses';
export const DIVERGENCES = 'curvature/divergences';
export const TEMPERED = 'curvature/tempered';
export const HITS = 'curvature/hits';

/**
 * Divides the logits of tempered divergences. KL hangs on the few samples that a model is unsure of: choices that a hundred samples can't
 * tell apart differ by a third on others. Softer probabilities let all samples speak (Hinton, Vinyals & Dean, "Distilling the knowledge
 * in a neural network", 2015).
 */
const TEMPERATURE = 2;

/**
 * What a changed model is scored by, with the weights of `layers` as inputs. The divergence is KL for losses over classes, and the mean
 * squared change of the outputs for mse: what has the Gauss–Newton matrix for its Hessian. Hits need class labels.
 * @param tempers whether KL is wanted at `TEMPERATURE` too
 */
export async function scoreGraph(
  prepared: Prepared,
  loss: LossSpec,
  layers: readonly Layer[],
  tempers: boolean,
): Promise<Graph> {
  const forward = forwardGraph(prepared, loss, layers);
  const reference = { name: REFERENCE, elemType: 'float32', shape: loss.shape } as const;
  if (!loss.isLabelled) {
    // The loss is the divergence itself.
    const graph = { ...forward, inputs: [...forward.inputs, reference] };
    const types = new Map(prepared.types).set(REFERENCE, reference);
    const { b, losses, weight } = await withSampleLosses({ graph, types }, loss, REFERENCE);
    b.alias(losses, LOSSES);
    return b.build([LOSSES, ...(tempers ? tempered(b, loss, weight) : [])]);
  }
  const { b, losses, weight } = await withSampleLosses({ graph: forward, types: prepared.types }, loss);
  b.input(reference);
  b.alias(losses, LOSSES);
  const divergence = loss.kind === 'mse' ? squaredChanges : divergences;
  b.alias(perSample(b, loss, divergence(b, loss), weight), DIVERGENCES);
  if (loss.kind === 'mse') return b.build([LOSSES, DIVERGENCES]);
  b.alias(hits(b, loss), HITS);
  return b.build([LOSSES, DIVERGENCES, ...(tempers ? tempered(b, loss, weight) : []), HITS]);
}

function perSample(b: GraphBuilder, { shape }: LossSpec, terms: string, weight: string): string {
  const axes = shape.map((_, axis) => axis).slice(1);
  return reduceSum(b, mul(b, terms, weight), axes, false);
}

function squaredChanges(b: GraphBuilder, { logits }: LossSpec): string {
  const change = sub(b, logits, REFERENCE);
  return mul(b, change, change);
}

/** p₀ (log p₀ − log p), of logits divided by the temperature. */
function divergences(b: GraphBuilder, { logits, classAxis }: LossSpec, temperature = 1): string {
  const logOf = (value: string): string => {
    const divided = temperature === 1 ? value : mul(b, value, b.scalar(1 / temperature));
    return b.add('LogSoftmax', [divided], { axis: { int: classAxis } });
  };
  const own = logOf(REFERENCE);
  return mul(b, exp(b, own), sub(b, own, logOf(logits)));
}

/** Adds the tempered divergence, times T², by which it stays of one size; nothing for losses that are not over the classes of one output. */
function tempered(b: GraphBuilder, loss: LossSpec, weight: string): string[] {
  if (loss.kind === 'mse' || loss.parts) return [];
  const whole = perSample(b, loss, divergences(b, loss, TEMPERATURE), weight);
  b.alias(mul(b, whole, b.scalar(TEMPERATURE ** 2)), TEMPERED);
  return [TEMPERED];
}

/** Positions of each sample whose largest logit is the label's; ignored labels match no class. */
function hits(b: GraphBuilder, { logits, shape, classAxis }: LossSpec): string {
  const chosen = b.add('ArgMax', [logits], { axis: { int: classAxis }, keepdims: { int: 0 } });
  const isRight = indicator(b, b.add('Equal', [chosen, targetsName('cross-entropy')]));
  const labelShape = shape.filter((_, axis) => axis !== classAxis);
  return reduceSum(b, isRight, labelShape.map((_, axis) => axis).slice(1), false);
}
