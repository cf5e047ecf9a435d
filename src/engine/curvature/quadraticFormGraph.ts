import { jvp, nodeTangents } from '../autodiff/jvp';
import type { LossSpec } from '../autodiff/loss';
import { GraphBuilder, type Types } from '../graph/builder';
import { consumersOf, type Graph, type Node } from '../graph/graph';
import { mul, sumAll, sumDerivatives } from '../ops/emit';
import type { Prepared } from '../runtime/prepare';
import { gradient, typed } from './gradient';
import type { Layer } from './layers';
import { tangentName } from './productGraphs';
import { usesOf } from './uses';

export const quadraticFormName = (layer: number, probe: number): string => `curvature/form_${layer}_${probe}`;
export const probeInput = (layer: Layer, probe: number): string =>
  `${tangentName(layer.initializer)}/${probe}`;

/**
 * v_lᵀ(Hv)_l for every layer l and each of `probes` directions v over the layers' weights, without a weight gradient.
 * The derivative of the loss along layer l's own part of v is s_l = Σ ⟨∂y/∂W_l v_l, ȳ⟩ over the outputs y of the nodes
 * that use W_l; its tangent along the whole of v is v_lᵀ(Hv)_l. The forward tangent is shared by hash-consing.
 */
export async function quadraticFormGraph(
  prepared: Prepared,
  loss: LossSpec,
  layers: readonly Layer[],
  probes: number,
): Promise<Graph> {
  const consumers = consumersOf(prepared.graph.nodes);
  const uses = layers.map(layer => usesOf(layer, consumers));
  const sources = new Set(layers.map(l => l.initializer));
  const wanted = new Set(uses.flat().flatMap(u => u.node.outputs));
  const {
    b: reverse,
    primal,
    cotangents,
    attached,
  } = await gradient(prepared, loss, 'weighted', sources, wanted);
  const slopes = Array.from({ length: probes }, (_, k) =>
    layers.map((layer, l) => {
      const v = reverse.input({ name: probeInput(layer, k), elemType: 'float32', shape: layer.shape });
      return slopeAlong(reverse, primal.types, layer, v, uses[l], cotangents);
    }),
  );
  const { graph, types } = await typed(
    reverse,
    slopes.flat().filter(s => s !== null),
  );
  const b = new GraphBuilder(graph, types);
  const outputs: string[] = [];
  slopes.forEach((perLayer, k) => {
    const directions = new Map(layers.map(layer => [layer.initializer, probeInput(layer, k)]));
    const targets = perLayer.filter(s => s !== null);
    const tangents = jvp(b, graph.nodes, types, directions, targets, attached.fixed);
    perLayer.forEach((s, l) => {
      b.alias((s === null ? undefined : tangents.get(s)) ?? b.scalar(0), quadraticFormName(l, k));
      outputs.push(quadraticFormName(l, k));
    });
  });
  return b.build(outputs);
}

function slopeAlong(
  b: GraphBuilder,
  types: Types,
  layer: Layer,
  v: string,
  uses: readonly { node: Node; path: Node[] }[],
  cotangents: ReadonlyMap<string, string>,
): string | null {
  const known = new Map([[layer.initializer, v]]);
  for (const alias of uses.flatMap(u => u.path)) {
    const [t] = nodeTangents(b, alias, types, known);
    if (t) known.set(alias.outputs[0], t);
  }
  const terms = uses.flatMap(({ node }) =>
    nodeTangents(b, node, types, known).flatMap((t, i) => {
      const c = cotangents.get(node.outputs[i]);
      return t && c ? [b.within(`${node.name}/form`, () => sumAll(b, mul(b, t, c)))] : [];
    }),
  );
  return sumDerivatives(b, terms);
}
