import { jvp, nodeTangents } from '../autodiff/jvp';
import type { LossSpec } from '../autodiff/loss';
import { GraphBuilder, type Types } from '../graph/builder';
import { consumersOf, type Graph, type Node } from '../graph/graph';
import { dependents } from '../graph/topology';
import { mul, sumAll, sumDerivatives } from '../ops/emit';
import type { Prepared } from '../runtime/prepare';
import { folded, gradient, typed } from './gradient';
import type { Layer } from './layers';
import { tangentName } from './productGraphs';

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
  const sources = new Set(layers.map(l => l.initializer));
  const model = await folded(prepared);
  const consumers = consumersOf(model.graph.nodes);
  const paths = weightPaths(model.graph, layers, consumers);
  const wanted = new Set(paths.flatMap(p => p.uses).flatMap(node => node.outputs));
  const {
    b: reverse,
    primal,
    cotangents,
    attached,
  } = await gradient(model, loss, 'weighted', sources, wanted);
  const slopes = Array.from({ length: probes }, (_, k) =>
    layers.map((layer, l) => {
      const v = reverse.input({ name: probeInput(layer, k), elemType: 'float32', shape: layer.shape });
      return slopeAlong(reverse, primal.types, layer, v, paths[l], cotangents);
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

/** What a weight goes through before it meets the data, and the nodes where it does. */
interface WeightPath {
  readonly preparing: readonly Node[];
  readonly uses: readonly Node[];
}

function weightPaths(
  graph: Graph,
  layers: readonly Layer[],
  consumers: ReadonlyMap<string, readonly Node[]>,
): WeightPath[] {
  const onData = dependents(
    graph.nodes,
    graph.inputs.map(i => i.name),
  );
  const order = new Map(graph.nodes.map((n, i) => [n, i]));
  return layers.map(({ initializer }) => {
    const reached = new Set<Node>();
    const follow = (value: string): void => {
      for (const node of consumers.get(value) ?? []) {
        if (reached.has(node)) continue;
        reached.add(node);
        if (!node.outputs.some(o => onData.has(o))) node.outputs.forEach(follow);
      }
    };
    follow(initializer);
    const nodes = [...reached].sort((a, b) => order.get(a)! - order.get(b)!);
    const isUse = (node: Node): boolean => node.outputs.some(o => onData.has(o));
    return { preparing: nodes.filter(n => !isUse(n)), uses: nodes.filter(isUse) };
  });
}

function slopeAlong(
  b: GraphBuilder,
  types: Types,
  layer: Layer,
  v: string,
  path: WeightPath,
  cotangents: ReadonlyMap<string, string>,
): string | null {
  const known = new Map([[layer.initializer, v]]);
  for (const node of path.preparing) {
    const [t] = nodeTangents(b, node, types, known);
    if (t) known.set(node.outputs[0], t);
  }
  const terms = path.uses.flatMap(node =>
    nodeTangents(b, node, types, known).flatMap((t, i) => {
      const c = cotangents.get(node.outputs[i]);
      return t && c ? [b.within(`${node.name}/form`, () => sumAll(b, mul(b, t, c)))] : [];
    }),
  );
  return sumDerivatives(b, terms);
}
