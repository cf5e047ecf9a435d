import { attachLoss, type LossSpec, outputHessian } from '../autodiff/loss';
import { GraphBuilder } from '../graph/builder';
import type { Graph, ValueInfo } from '../graph/graph';
import { prune } from '../graph/topology';
import { add, mul, scale, sub, sumAll } from '../ops/emit';
import type { Prepared } from '../runtime/prepare';
import { feedValues } from './feedValues';
import type { Layer } from './layers';

export const LOGITS_PLUS = 'curvature/logits_plus';
export const LOGITS_MINUS = 'curvature/logits_minus';
/** 1/(2ε). */
export const INVERSE_STEP = 'curvature/inverse_step';
export const FORM = 'curvature/form';

/** The model up to the logits, with the weights of `layers` as inputs. */
export function forwardGraph({ graph }: Prepared, loss: LossSpec, layers: readonly Layer[]): Graph {
  const weights = layers.map(({ initializer, shape }): ValueInfo => ({
    name: initializer,
    elemType: 'float32',
    shape,
  }));
  return prune(feedValues(graph, weights), [loss.logits]);
}

/**
 * uᵀ H_out u for u = (f₊ − f₋)/2ε, with H_out at the middle of the two logits f₊ and f₋, which are inputs. The loss's own
 * graph makes H_out, so that labels, ignored positions and weights count as they do everywhere else.
 */
export function formGraph({ graph }: Prepared, loss: LossSpec): Graph {
  const logits = (name: string): ValueInfo => ({ name, elemType: 'float32', shape: loss.shape });
  const step: ValueInfo = { name: INVERSE_STEP, elemType: 'float32', shape: [] };
  const inputs = [logits(LOGITS_PLUS), logits(LOGITS_MINUS), step];
  const b = new GraphBuilder(
    { ...graph, inputs, outputs: [], initializers: new Map(), nodes: [] },
    new Map(),
  );
  const middle = scale(b, add(b, LOGITS_PLUS, LOGITS_MINUS), 0.5);
  const spec = { ...loss, logits: middle };
  const { weight } = attachLoss(b, spec, 'weighted');
  const u = mul(b, sub(b, LOGITS_PLUS, LOGITS_MINUS), INVERSE_STEP);
  b.alias(sumAll(b, mul(b, u, outputHessian(b, spec, weight, u)), spec.shape), FORM);
  return b.build([FORM]);
}
