import { jvp } from '../autodiff/jvp';
import { attachLoss, type LossSpec, outputHessian, type Weighting } from '../autodiff/loss';
import { vjp } from '../autodiff/vjp';
import { GraphBuilder } from '../graph/builder';
import type { Graph } from '../graph/graph';
import { mul, reduceSum, zeros } from '../ops/emit';
import type { Prepared } from '../runtime/prepare';
import { folded, gradient, typed } from './gradient';
import type { Parameter } from './parameters';

/** Graphs of whole-vector products. Each is an ONNX graph that any execution provider runs. */

export const tangentName = (parameter: string): string => `${parameter}/tangent`;
export const gradientName = (parameter: string): string => `${parameter}/gradient`;
export const hvpName = (parameter: string): string => `${parameter}/hvp`;
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
export async function gvpGraph(
  prepared: Prepared,
  loss: LossSpec,
  parameters: readonly Parameter[],
): Promise<Graph> {
  const { graph, types } = await folded(prepared);
  const names = namesOf(parameters);
  const b = new GraphBuilder(graph, types);
  const { weight } = attachLoss(b, loss, 'weighted');
  const tangents = jvp(b, graph.nodes, types, tangentInputs(b, parameters), [loss.logits]);
  const u = tangents.get(loss.logits) ?? zeros(b, loss.shape);
  const seeds = new Map([[loss.logits, outputHessian(b, loss, weight, u)]]);
  const products = vjp(b, graph.nodes, types, seeds, names, names);
  return b.build(nameOutputs(b, undefined, [[hvpName, products]], parameters));
}

/**
 * Σ_i a_i (a_iᵀ v), a_i the gradient of sample i's part of the mean loss: 1/N of the product with the empirical Fisher matrix over N
 * samples. The loss's tangent along v is taken per sample at the logits, and weighs the sample's cotangent there. Outputs `NAME/hvp`.
 */
export async function fisherGraph(
  prepared: Prepared,
  loss: LossSpec,
  parameters: readonly Parameter[],
): Promise<Graph> {
  const at = new Set([loss.logits]);
  const { b, primal, cotangents } = await gradient(prepared, loss, 'weighted', at, at);
  const { nodes } = primal.graph;
  const tangents = jvp(b, nodes, primal.types, tangentInputs(b, parameters), [loss.logits]);
  const [c, u] = [cotangents.get(loss.logits), tangents.get(loss.logits)];
  const names = namesOf(parameters);
  let products: ReadonlyMap<string, string> = new Map();
  if (c && u) {
    const within = loss.shape.map((_, axis) => axis).slice(1);
    const slopes = within.length === 0 ? mul(b, c, u) : reduceSum(b, mul(b, c, u), within, true);
    const seeds = new Map([[loss.logits, mul(b, c, slopes)]]);
    products = vjp(b, nodes, primal.types, seeds, names, names);
  }
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
