import { CurvatureError } from '../errors';
import { type Graph, qualifiedOpType } from '../graph/graph';
import { ancestors, dependents, prune } from '../graph/topology';

/** An operator that ONNX Runtime has no implementation of. */
export interface Unrunnable {
  readonly opType: string;
  readonly nodes: readonly string[];
}

/** ONNX Runtime's two ways to say that it does not know an operator. */
const unknownOperator = [/(\w+)\(-?\d+\) is not a registered function\/op/, /No Op registered for (\w+)/];

/** The operator that a failure to load a graph names as unknown. */
export function unknownOperatorOf(error: unknown, graph: Graph): Unrunnable | undefined {
  if (!(error instanceof CurvatureError)) return undefined;
  const named = unknownOperator
    .map(pattern => pattern.exec(error.message)?.[1])
    .find(name => name !== undefined);
  const nodes = graph.nodes.filter(n => n.opType === named);
  return nodes.length > 0 ? { opType: qualifiedOpType(nodes[0]), nodes: nodes.map(n => n.name) } : undefined;
}

/**
 * The part of a graph that runs without the given nodes: outputs that don't need them, or, where all do, the values they
 * read. Undefined where nothing is left.
 */
export function runnablePart(
  graph: Graph,
  unrunnable: readonly Unrunnable[],
): { graph: Graph; isCut: boolean } | undefined {
  const bad = new Set(unrunnable.flatMap(u => u.nodes));
  const badNodes = graph.nodes.filter(n => bad.has(n.name));
  const spoiled = dependents(
    graph.nodes,
    badNodes.flatMap(n => n.outputs),
  );
  const clean = graph.outputs.filter(o => !spoiled.has(o));
  if (clean.length > 0) return { graph: prune(graph, clean), isCut: false };
  const made = new Set(graph.nodes.flatMap(n => n.outputs));
  const cut = [...new Set(badNodes.flatMap(n => n.inputs))].filter(v => made.has(v) && !spoiled.has(v));
  const withWork = cut.filter(v => ancestors(graph.nodes, [v]).size > 1);
  return withWork.length > 0 ? { graph: prune(graph, withWork), isCut: true } : undefined;
}
