import { jvp } from '../autodiff/jvp';
import type { LossSpec } from '../autodiff/loss';
import { GraphBuilder } from '../graph/builder';
import type { Graph } from '../graph/graph';
import { mul, sumAll } from '../ops/emit';
import type { Prepared } from '../runtime/prepare';
import { gradient, typed } from './gradient';
import { tangentName } from './productGraphs';
import { quadraticFormName } from './quadraticFormGraph';

export const activationProbe = (value: string, probe: number): string => `${tangentName(value)}/${probe}`;

/**
 * vᵀHv for `probes` directions v of a value within the model, H the Hessian of the mean loss with respect to it, summed over the batch.
 * For Rademacher signs its mean is tr(H), and since samples lie in elements of their own, that is the mean of the samples' traces.
 */
export async function activationFormGraph(
  prepared: Prepared,
  loss: LossSpec,
  value: string,
  probes: number,
): Promise<Graph> {
  const source = new Set([value]);
  const { b: reverse, cotangents, attached } = await gradient(prepared, loss, 'weighted', source, source);
  const cotangent = cotangents.get(value);
  const { graph, types } = await typed(reverse, cotangent === undefined ? [] : [cotangent]);
  const b = new GraphBuilder(graph, types);
  const outputs = Array.from({ length: probes }, (_, k) => {
    const { shape } = types.get(value)!;
    const v = b.input({ name: activationProbe(value, k), elemType: 'float32', shape });
    const change =
      cotangent &&
      jvp(b, graph.nodes, types, new Map([[value, v]]), [cotangent], attached.fixed).get(cotangent);
    b.alias(
      change === undefined ? b.scalar(0) : sumAll(b, mul(b, v, change), shape),
      quadraticFormName(0, k),
    );
    return quadraticFormName(0, k);
  });
  return b.build(outputs);
}
