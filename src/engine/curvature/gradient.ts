import { attachLoss, type LossSpec, type Weighting } from '../autodiff/loss';
import { vjp } from '../autodiff/vjp';
import { GraphBuilder, type Types } from '../graph/builder';
import type { Graph } from '../graph/graph';
import { foldBatchNorm } from '../ops/foldBatchNorm';
import { padWidths } from '../ops/padWidths';
import type { Prepared } from '../runtime/prepare';
import { settledTypes } from '../runtime/settledTypes';

export interface Typed {
  readonly graph: Graph;
  readonly types: Types;
}

export async function typed(b: GraphBuilder, outputs: readonly string[]): Promise<Typed> {
  const graph = b.build(outputs);
  return { graph, types: await settledTypes(graph, b.types) };
}

/** The model in the form whose derivatives are cheapest; with the same parameters, and for whole-batch derivatives only. */
export async function folded(prepared: Prepared): Promise<Prepared> {
  const graph = padWidths(foldBatchNorm(prepared.graph, prepared.types), prepared.types);
  return graph === prepared.graph
    ? prepared
    : { ...prepared, graph, types: await settledTypes(graph, prepared.types) };
}

/** The gradient of the loss, ready to be differentiated once more. */
export async function gradient(
  prepared: Prepared,
  loss: LossSpec,
  weighting: Weighting,
  sources: ReadonlySet<string>,
  wanted: ReadonlySet<string>,
) {
  const model = await folded(prepared);
  const attaching = new GraphBuilder(model.graph, model.types);
  const attached = attachLoss(attaching, loss, weighting);
  const primal = await typed(attaching, [attached.loss]);
  const b = new GraphBuilder(primal.graph, primal.types);
  const seeds = new Map([[attached.loss, b.scalar(1)]]);
  const cotangents = vjp(b, primal.graph.nodes, primal.types, seeds, sources, wanted, attached.fixed);
  return { b, primal, cotangents, attached };
}
