import { attachLoss, type LossSpec, WEIGHT_INPUT } from '../autodiff/loss';
import { vjp } from '../autodiff/vjp';
import { GraphBuilder } from '../graph/builder';
import { mul } from '../ops/emit';
import type { Prepared } from '../runtime/prepare';
import { typed } from './gradient';

/**
 * A model's graph with the share of each sample in the mean loss, [samples], whose sum is the loss. The loss is linear in the
 * samples' weights, so that a sample's share is its weight times the derivative by it, whatever the loss.
 * @param reference what a label-free loss compares with; by default the model's own output
 */
export async function withSampleLosses({ graph, types }: Prepared, loss: LossSpec, reference?: string) {
  const attaching = new GraphBuilder(graph, types);
  const { loss: whole, fixed, weight } = attachLoss(attaching, loss, 'weighted', reference);
  const primal = await typed(attaching, [whole, weight]);
  const b = new GraphBuilder(primal.graph, primal.types);
  const byWeight = new Set([WEIGHT_INPUT]);
  const seeds = new Map([[whole, b.scalar(1)]]);
  const cotangents = vjp(b, primal.graph.nodes, primal.types, seeds, byWeight, byWeight, fixed);
  return { b, fixed, weight, losses: mul(b, WEIGHT_INPUT, cotangents.get(WEIGHT_INPUT)!) };
}
