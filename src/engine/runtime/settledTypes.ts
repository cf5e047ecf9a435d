import { invariant } from '../errors';
import type { Types } from '../graph/builder';
import type { Graph, Node } from '../graph/graph';
import { reads } from '../graph/graph';
import type { TensorType } from '../onnx/tensor';
import { declared, isDeclared } from './declared';
import { outputTypes } from './outputTypes';
import { signatureOf } from './signature';

/** ONNX Runtime takes a time that grows faster than the number of nodes, so it is asked for this many at once. */
const PART = 500;

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
 * Of nodes that are alike, such as those of a model's equal blocks, only the first are asked for.
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
  const alike = new Map<string, readonly (TensorType | undefined)[]>();
  /** Asks for the types of some nodes' results; the first value that has none, if there is any. */
  const ask = async (nodes: readonly Node[]): Promise<string | undefined> => {
    const made = new Set(nodes.flatMap(n => n.outputs));
    const outside = [...new Set(nodes.flatMap(reads))].filter(v => !made.has(v));
    const missing = outside.find(v => !types.has(v));
    if (missing !== undefined) return missing;
    for (const [name, type] of await find(partOf(graph, nodes, outside, types))) {
      if (type === undefined) return name;
      types.set(name, type);
    }
    for (const node of nodes) {
      const signature = signatureOf(node, graph.initializers, types);
      if (signature !== undefined)
        alike.set(
          signature,
          node.outputs.map(o => types.get(o)),
        );
    }
    return undefined;
  };
  let asked: Node[] = [];
  for (const node of graph.nodes) {
    if (node.outputs.every(o => o === '' || types.has(o))) continue;
    const results = alike.get(signatureOf(node, graph.initializers, types) ?? '');
    if (results) node.outputs.forEach((o, i) => results[i] && types.set(o, results[i]));
    else if (asked.push(node) === PART) {
      const open = await ask(asked);
      if (open !== undefined) return { types, open };
      asked = [];
    }
  }
  const open = asked.length === 0 ? undefined : await ask(asked);
  return open === undefined ? { types } : { types, open };
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
