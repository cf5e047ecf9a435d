import { invariant } from '../errors';
import type { Types } from '../graph/builder';
import type { Graph, Node } from '../graph/graph';
import { reads } from '../graph/graph';
import type { TensorType } from '../onnx/tensor';
import { declared, isDeclared } from './declared';
import { outputTypes } from './outputTypes';

/** ONNX Runtime takes a time that grows faster than the number of nodes, so long graphs are shown to it in parts. */
const PART = 1500;

/**
 * Types of all values of a graph whose shapes are settled: a derivative graph, whose rules were given every shape as a
 * constant. Values with `known` types are not asked for again, so that a graph that has grown costs what was added.
 * Linear in the number of nodes.
 */
export async function settledTypes(graph: Graph, known: Types = new Map()): Promise<Types> {
  const { types, open } = await typesInParts(graph, known, outputTypes);
  invariant(open === undefined, `the shape of "${open}" in a derivative graph is not known`);
  return types;
}

/**
 * Types of a graph's values, part by part, and the first value without one, if there is any: what comes after it isn't asked for.
 * @param find gives the types of a graph's outputs
 */
export async function typesInParts(
  graph: Graph,
  known: Types,
  find: (part: Graph) => Promise<ReadonlyMap<string, TensorType | undefined>>,
): Promise<{ types: Types; open?: string }> {
  const types = new Map<string, TensorType>(known);
  for (const { name, elemType, shape } of graph.inputs)
    types.set(name, { elemType, shape: shape as number[] });
  for (const [name, { elemType, shape }] of graph.initializers) types.set(name, { elemType, shape });
  const untyped = graph.nodes.filter(n => n.outputs.some(o => o !== '' && !types.has(o)));
  for (let start = 0; start < untyped.length; start += PART) {
    const nodes = untyped.slice(start, start + PART);
    const made = new Set(nodes.flatMap(n => n.outputs));
    const outside = [...new Set(nodes.flatMap(reads))].filter(v => !made.has(v));
    const missing = outside.find(v => !types.has(v));
    if (missing !== undefined) return { types, open: missing };
    for (const [name, type] of await find(partOf(graph, nodes, outside, types))) {
      if (type === undefined) return { types, open: name };
      types.set(name, type);
    }
  }
  return { types };
}

/**
 * Some nodes as a graph of their own, which gives all that they compute.
 * @param outside what they read of other nodes
 */
function partOf(graph: Graph, nodes: readonly Node[], outside: readonly string[], types: Types): Graph {
  const isGiven = (name: string): boolean => {
    const tensor = graph.initializers.get(name);
    return tensor !== undefined && !isDeclared(tensor);
  };
  return {
    ...graph,
    nodes,
    outputs: nodes.flatMap(n => n.outputs).filter(o => o !== ''),
    initializers: new Map(outside.filter(isGiven).map(name => [name, graph.initializers.get(name)!])),
    inputs: outside.filter(name => !isGiven(name)).map(name => declared(name, types.get(name)!)),
  };
}
