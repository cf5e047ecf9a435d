import { jvp, nodeTangents } from '../autodiff/jvp';
import type { LossSpec } from '../autodiff/loss';
import { vjp } from '../autodiff/vjp';
import { GraphBuilder, type Types } from '../graph/builder';
import { consumersOf, type Graph, type Node, reads } from '../graph/graph';
import { dependents } from '../graph/topology';
import type { TensorType } from '../onnx/tensor';
import { mul, sumAll, sumDerivatives } from '../ops/emit';
import type { Prepared } from '../runtime/prepare';
import { folded, gradient, typed } from './gradient';
import type { Layer } from './layers';
import { tangentName } from './productGraphs';

export const quadraticFormName = (layer: number, probe: number): string => `curvature/form_${layer}_${probe}`;
export const probeInput = (layer: Layer, probe: number): string =>
  `${tangentName(layer.initializer)}/${probe}`;

/**
 * What is made of a direction v over the layers' weights: `row` is v_lᵀ(Hv)_l; `block` is v_lᵀH_ll v_l and only part of what v's
 * parts on other layers add to that, whose mean is zero where the parts' signs are independent. A layer costs a product less by it, and traces have less noise.
 */
export type FormKind = 'row' | 'block';

/**
 * Forms of every layer l for each of `probes` directions v over the layers' weights, without a weight gradient.
 * The derivative of the loss along layer l's own part of v is s_l = Σ ⟨t, ȳ⟩ over the outputs y of the nodes that use W_l,
 * t = ∂y/∂W_l v_l; its tangent along the whole of v is v_lᵀ(Hv)_l = Σ ⟨t, ẏ̄⟩ + ⟨ṫ, ȳ⟩. With x what t is made from besides v_l,
 * ⟨ṫ, ȳ⟩ = ⟨ẋ, (∂t/∂x)ᵀ ȳ⟩, and the backward tangent pass has that product already: hash-consing shares it, and t with
 * the forward one. A layer then costs four products of its size per probe.
 *
 * For `block` that product falls away: x moves by other layers' parts of v alone, and what it adds to the backward tangent pass, v_l's part, meets
 * those only. Weights that are used again on what they have already acted on are left out of this.
 */
export async function quadraticFormGraph(
  prepared: Prepared,
  loss: LossSpec,
  layers: readonly Layer[],
  kind: FormKind,
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
      return slopesAlong(reverse, primal.types, layer, v, paths[l], cotangents);
    }),
  );
  const { graph, types } = await typed(reverse, [
    ...new Set(slopes.flat(2).flatMap(s => [s.t, s.cotangent])),
  ]);
  const b = new GraphBuilder(graph, types);
  const isPrimal = valuesOf(primal.graph);
  const still = kind === 'row' ? new Set<string>() : stillBackwards(primal.graph, layers, paths);
  const constantsOf = (node: Node): ReadonlySet<string> =>
    node.outputs.some(o => isPrimal.has(o)) ? new Set() : still;
  const producers = new Map(graph.nodes.flatMap(n => n.outputs.map(o => [o, n] as const)));
  const outputs: string[] = [];
  slopes.forEach((perLayer, k) => {
    const directions = new Map(layers.map(layer => [layer.initializer, probeInput(layer, k)]));
    const origins = perLayer.map((terms, l) => {
      const own = new Set(weightValues(layers[l], paths[l]));
      const isSeen = (x: string): boolean => !still.has(layers[l].initializer) || own.has(x);
      return terms.map(s => originOf(s.t, producers, isPrimal, isSeen));
    });
    const targets = perLayer.flatMap((terms, l) =>
      terms.flatMap((s, i) => [s.cotangent, ...origins[l][i].operands]),
    );
    const tangents = jvp(b, graph.nodes, types, directions, targets, attached.fixed, constantsOf);
    perLayer.forEach((terms, l) => {
      const parts = terms.flatMap((slope, i) => tangentOfSlope(b, types, slope, origins[l][i], tangents));
      b.alias(sumDerivatives(b, parts) ?? b.scalar(0), quadraticFormName(l, k));
      outputs.push(quadraticFormName(l, k));
    });
  });
  return b.build(outputs);
}

/** One part ⟨t, ȳ⟩ of the slope along a layer's direction. */
interface Slope {
  readonly t: string;
  readonly cotangent: string;
}

/** How t is made: the nodes that make it, and the model's own values that they start from, of those that are to be seen. */
interface Origin {
  readonly nodes: readonly Node[];
  readonly operands: ReadonlySet<string>;
}

function originOf(
  t: string,
  producers: ReadonlyMap<string, Node>,
  isPrimal: ReadonlySet<string>,
  isSeen: (x: string) => boolean,
): Origin {
  const nodes = new Set<Node>();
  const operands = new Set<string>();
  const visit = (value: string): void => {
    if (isPrimal.has(value) && isSeen(value)) operands.add(value);
    const node = isPrimal.has(value) ? undefined : producers.get(value);
    if (!node || nodes.has(node)) return;
    reads(node).forEach(visit);
    nodes.add(node);
  };
  visit(t);
  return { nodes: [...nodes], operands };
}

const valuesOf = (graph: Graph): Set<string> =>
  new Set([
    ...graph.inputs.map(i => i.name),
    ...graph.initializers.keys(),
    ...graph.nodes.flatMap(n => n.outputs),
  ]);

function tangentOfSlope(
  b: GraphBuilder,
  types: Types,
  { t, cotangent }: Slope,
  { nodes, operands }: Origin,
  tangents: ReadonlyMap<string, string>,
): string[] {
  const moving = new Set([...operands].filter(x => tangents.has(x)));
  const transposed = vjp(b, nodes, types, new Map([[t, cotangent]]), moving, moving);
  const change = tangents.get(cotangent);
  return [
    ...(change === undefined ? [] : [inner(b, t, change, types.get(t)!)]),
    ...[...transposed].map(([x, c]) => inner(b, tangents.get(x)!, c, types.get(x)!)),
  ];
}

const inner = (b: GraphBuilder, x: string, y: string, { shape }: TensorType): string =>
  sumAll(b, mul(b, x, y), shape);

/** What a weight goes through before it meets the data, and the nodes where it does. */
interface WeightPath {
  readonly preparing: readonly Node[];
  readonly uses: readonly Node[];
}

/** The weight, and what it goes through before it meets the data. */
const weightValues = ({ initializer }: Layer, { preparing }: WeightPath): string[] => [
  initializer,
  ...preparing.flatMap(n => n.outputs),
];

/** The values of weights that the backward pass need not see move: of layers no use of which lies behind another one. */
function stillBackwards(
  { nodes }: Graph,
  layers: readonly Layer[],
  paths: readonly WeightPath[],
): Set<string> {
  const isUsedAgain = ({ uses }: WeightPath): boolean => {
    if (uses.length < 2) return false;
    const behind = dependents(
      nodes,
      uses.flatMap(n => n.outputs),
    );
    return uses.some(use => use.inputs.some(v => behind.has(v)));
  };
  const again = paths.map(isUsedAgain);
  const valuesOfLayers = (isAgain: boolean): string[] =>
    layers.flatMap((layer, l) => (again[l] === isAgain ? weightValues(layer, paths[l]) : []));
  const moving = new Set(valuesOfLayers(true));
  return new Set(valuesOfLayers(false).filter(v => !moving.has(v)));
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

function slopesAlong(
  b: GraphBuilder,
  types: Types,
  layer: Layer,
  v: string,
  path: WeightPath,
  cotangents: ReadonlyMap<string, string>,
): Slope[] {
  const known = new Map([[layer.initializer, v]]);
  for (const node of path.preparing) {
    const [t] = nodeTangents(b, node, types, known);
    if (t) known.set(node.outputs[0], t);
  }
  return path.uses.flatMap(node =>
    nodeTangents(b, node, types, known).flatMap((t, i) => {
      const cotangent = cotangents.get(node.outputs[i]);
      return t && cotangent ? [{ t, cotangent }] : [];
    }),
  );
}
