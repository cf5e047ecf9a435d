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
  const types = new Map<string, TensorType>(known);
  for (const { name, elemType, shape } of graph.inputs)
    types.set(name, { elemType, shape: shape as number[] });
  for (const [name, { elemType, shape }] of graph.initializers) types.set(name, { elemType, shape });
  const open = graph.nodes.filter(n => n.outputs.some(o => o !== '' && !types.has(o)));
  for (let start = 0; start < open.length; start += PART) {
    for (const [name, type] of await partTypes(graph, open.slice(start, start + PART), types))
      types.set(name, type);
  }
  return types;
}

async function partTypes(
  graph: Graph,
  nodes: readonly Node[],
  types: Types,
): Promise<ReadonlyMap<string, TensorType>> {
  const outputs = nodes.flatMap(n => n.outputs).filter(o => o !== '');
  const made = new Set(outputs);
  const outside = [...new Set(nodes.flatMap(reads))].filter(v => !made.has(v));
  const isGiven = (name: string): boolean => {
    const tensor = graph.initializers.get(name);
    return tensor !== undefined && !isDeclared(tensor);
  };
  const part: Graph = {
    ...graph,
    nodes,
    outputs,
    initializers: new Map(outside.filter(isGiven).map(name => [name, graph.initializers.get(name)!])),
    inputs: outside.filter(name => !isGiven(name)).map(name => declared(name, types.get(name)!)),
  };
  const found = new Map<string, TensorType>();
  for (const [name, type] of await outputTypes(part)) {
    invariant(type, `the shape of "${name}" in a derivative graph is not known`);
    found.set(name, type);
  }
  return found;
}
