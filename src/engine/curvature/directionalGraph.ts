import { jvp } from '../autodiff/jvp';
import type { LossSpec } from '../autodiff/loss';
import { GraphBuilder } from '../graph/builder';
import type { Graph } from '../graph/graph';
import { zeros } from '../ops/emit';
import type { Prepared } from '../runtime/prepare';
import { folded, typed } from './gradient';
import type { Layer } from './layers';
import { tangentName } from './productGraphs';
import { withSampleLosses } from './sampleLosses';

/** Each sample's share of gᵀv and of vᵀHv. */
export const SLOPES = 'curvature/slopes';
export const CURVATURES = 'curvature/curvatures';

/**
 * gᵀv and vᵀHv for a direction v on one layer alone, per sample: two tangents of the loss, one behind the other, forwards from
 * the layer on. What comes before the layer takes no part, unlike in a Hessian-vector product.
 */
export async function directionalGraph(prepared: Prepared, loss: LossSpec, layer: Layer): Promise<Graph> {
  const { b: losses, fixed, losses: shares } = await withSampleLosses(await folded(prepared), loss);
  const base = await typed(losses, [shares]);
  const first = new GraphBuilder(base.graph, base.types);
  const info = { name: tangentName(layer.initializer), elemType: 'float32', shape: layer.shape } as const;
  const along = new Map([[layer.initializer, first.input(info)]]);
  const tangent = (b: GraphBuilder, { graph, types }: typeof base, value: string, name: string): void =>
    b.alias(jvp(b, graph.nodes, types, along, [value], fixed).get(value) ?? zeros(b, [loss.shape[0]]), name);
  tangent(first, base, shares, SLOPES);
  const slopes = await typed(first, [SLOPES]);
  const second = new GraphBuilder(slopes.graph, slopes.types);
  tangent(second, slopes, SLOPES, CURVATURES);
  return second.build([SLOPES, CURVATURES]);
}
