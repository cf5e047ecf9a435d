import { attachLoss, type LossSpec, outputFactor, outputHessian, type Weighting } from '../autodiff/loss';
import { jvp, nodeTangents } from '../autodiff/jvp';
import { vjp } from '../autodiff/vjp';
import { GraphBuilder, type Types } from '../graph/builder';
import { consumersOf, type Graph, type Node } from '../graph/graph';
import { mul, sumAll, sumDerivatives, zeros } from '../ops/emit';
import { Site } from '../ops/rule';
import { sampleNorms } from '../ops/sampleNorms';
import type { Prepared } from '../runtime/prepare';
import { inferTypes } from '../runtime/types';
import { isAlias, type Layer } from './layers';
import type { Parameter } from './parameters';

/** Derivative graphs of one model and loss. Each is an ONNX graph that any execution provider runs. */

export const tangentName = (parameter: string): string => `${parameter}/tangent`;
export const gradientName = (parameter: string): string => `${parameter}/gradient`;
export const hvpName = (parameter: string): string => `${parameter}/hvp`;

interface Typed {
  readonly graph: Graph;
  readonly types: Types;
}

async function typed(b: GraphBuilder, outputs: readonly string[]): Promise<Typed> {
  const graph = b.build(outputs);
  return { graph, types: await inferTypes(graph) };
}

/** The gradient of the loss, ready to be differentiated once more. */
async function gradient(
  prepared: Prepared,
  loss: LossSpec,
  weighting: Weighting,
  sources: ReadonlySet<string>,
  wanted: ReadonlySet<string>,
) {
  const attaching = new GraphBuilder(prepared.graph, prepared.types);
  const attached = attachLoss(attaching, loss, weighting);
  const primal = await typed(attaching, [attached.loss]);
  const b = new GraphBuilder(primal.graph, primal.types);
  const seeds = new Map([[attached.loss, b.scalar(1)]]);
  const cotangents = vjp(b, primal.graph.nodes, primal.types, seeds, sources, wanted, attached.fixed);
  return { b, primal, cotangents, attached };
}

const namesOf = (parameters: readonly Parameter[]): Set<string> => new Set(parameters.map(p => p.name));

/** Outputs `loss` and `NAME/gradient` for each parameter. */
export async function gradientGraph(
  prepared: Prepared,
  loss: LossSpec,
  weighting: Weighting,
  parameters: readonly Parameter[],
): Promise<Graph> {
  const names = namesOf(parameters);
  const { b, cotangents, attached } = await gradient(prepared, loss, weighting, names, names);
  return b.build(nameOutputs(b, attached.loss, [[gradientName, cotangents]], parameters));
}

/**
 * The Hessian-vector product as one graph, forward over reverse: Hv = JVP_v[∇L]. Inputs `NAME/tangent` for each
 * parameter; outputs `loss`, `NAME/gradient` and `NAME/hvp`.
 */
export async function hvpGraph(
  prepared: Prepared,
  loss: LossSpec,
  weighting: Weighting,
  parameters: readonly Parameter[],
): Promise<Graph> {
  const names = namesOf(parameters);
  const { b: reverse, cotangents, attached } = await gradient(prepared, loss, weighting, names, names);
  const { graph, types } = await typed(reverse, [attached.loss, ...cotangents.values()]);
  const b = new GraphBuilder(graph, types);
  const tangents = jvp(b, graph.nodes, types, tangentInputs(b, parameters), graph.outputs, attached.fixed);
  const products = new Map([...cotangents].map(([name, c]) => [name, tangents.get(c)]));
  return b.build(
    nameOutputs(
      b,
      attached.loss,
      [
        [gradientName, cotangents],
        [hvpName, products],
      ],
      parameters,
    ),
  );
}

/** The Gauss–Newton product Gv = Jᵀ H_out J v, without second derivatives. Outputs `NAME/hvp`. */
export function gvpGraph(prepared: Prepared, loss: LossSpec, parameters: readonly Parameter[]): Graph {
  const { graph, types } = prepared;
  const names = namesOf(parameters);
  const b = new GraphBuilder(graph, types);
  const { weight } = attachLoss(b, loss, 'weighted');
  const tangents = jvp(b, graph.nodes, types, tangentInputs(b, parameters), [loss.logits]);
  const u = tangents.get(loss.logits) ?? zeros(b, loss.shape);
  const seeds = new Map([[loss.logits, outputHessian(b, loss, weight, u)]]);
  const products = vjp(b, graph.nodes, types, seeds, names, names);
  return b.build(nameOutputs(b, undefined, [[hvpName, products]], parameters));
}

function tangentInputs(b: GraphBuilder, parameters: readonly Parameter[]): Map<string, string> {
  return new Map(
    parameters.map(p => [
      p.name,
      b.input({ name: tangentName(p.name), elemType: 'float32', shape: p.shape }),
    ]),
  );
}

type Named = readonly [
  nameOf: (parameter: string) => string,
  values: ReadonlyMap<string, string | undefined>,
];

/** Gives results the names that users of the graph know; what is zero by definition becomes zeros. */
function nameOutputs(
  b: GraphBuilder,
  loss: string | undefined,
  results: readonly Named[],
  parameters: readonly Parameter[],
): string[] {
  const outputs: string[] = [];
  const name = (value: string, as: string): void => {
    b.alias(value, as);
    outputs.push(as);
  };
  if (loss !== undefined) name(loss, 'loss');
  for (const { name: parameter, shape } of parameters) {
    for (const [nameOf, values] of results) name(values.get(parameter) ?? zeros(b, shape), nameOf(parameter));
  }
  return outputs;
}

/** Nodes that use a layer's weight, aliases such as Transpose passed, with the operand's index and name. */
function usesOf(
  layer: Layer,
  consumers: ReadonlyMap<string, Node[]>,
): { node: Node; operand: number; path: Node[] }[] {
  const follow = (value: string, path: Node[]): { node: Node; operand: number; path: Node[] }[] =>
    (consumers.get(value) ?? []).flatMap(node =>
      isAlias(node)
        ? follow(node.outputs[0], [...path, node])
        : [{ node, operand: node.inputs.indexOf(value), path }],
    );
  return follow(layer.initializer, []);
}

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

export const OUTPUT_PROBE = 'curvature/output_probe';
export const gradientNormName = (layer: number): string => `curvature/norm_${layer}`;

/**
 * Squared norms of the gradients ∇_{W_l} ⟨S r, f(x)⟩ for signs r that are fed: per sample where the layer's samples can be
 * told apart, else of the sum over the batch, which has the same mean. Back-propagation through activations only.
 * @param together layers whose samples must be taken together
 */
export function gradientNormGraph(
  prepared: Prepared,
  loss: LossSpec,
  layers: readonly Layer[],
  together: ReadonlySet<number>,
): { graph: Graph; perSample: boolean[] } {
  const { graph, types } = prepared;
  const consumers = consumersOf(graph.nodes);
  const uses = layers.map(layer => usesOf(layer, consumers));
  const b = new GraphBuilder(graph, types);
  const { weight } = attachLoss(b, loss, 'weighted');
  const r = b.input({ name: OUTPUT_PROBE, elemType: 'float32', shape: loss.shape });
  const seeds = new Map([[loss.logits, outputFactor(b, loss, weight, r)]]);
  const sources = new Set(layers.map(l => l.initializer));
  const mayStandAlone = uses.map((u, l) => u.length === 1 && !together.has(l));
  const wanted = new Set([
    ...uses.flat().flatMap(u => u.node.outputs),
    ...layers.filter((_, l) => !mayStandAlone[l]).map(layer => layer.initializer),
  ]);
  const cotangents = vjp(b, graph.nodes, types, seeds, sources, wanted);
  const perSample = layers.map((layer, l) => {
    const use = uses[l][0];
    const cotangent = use && cotangents.get(use.node.outputs[0]);
    const norms =
      mayStandAlone[l] && use && cotangent
        ? b.within(`${use.node.name}/norms`, () =>
            sampleNorms(b, new Site(use.node, types, b), use.operand, cotangent, loss.shape[0]),
          )
        : undefined;
    const whole = (): string => {
      const c = cotangents.get(layer.initializer);
      return c ? b.add('ReduceSumSquare', [c], { keepdims: { int: 0 } }) : b.scalar(0);
    };
    b.alias(norms ?? whole(), gradientNormName(l));
    return norms !== undefined;
  });
  const refused = layers
    .map((_, l) => l)
    .filter(l => mayStandAlone[l] && !perSample[l] && uses[l].length > 0);
  if (refused.length > 0)
    return gradientNormGraph(prepared, loss, layers, new Set([...together, ...refused]));
  return { graph: b.build(layers.map((_, l) => gradientNormName(l))), perSample };
}
