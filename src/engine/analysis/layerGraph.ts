import type { Layer } from '../curvature/layers';
import { usesOf } from '../curvature/uses';
import { consumersOf, type Graph, type Node, reads } from '../graph/graph';
import { isFloat, type TensorType } from '../onnx/tensor';

/** The nodes of one layer, cut out of a model. */
export interface LayerPart {
  readonly nodes: readonly Node[];
  /** Values that other nodes make, or that are fed. */
  readonly inputs: readonly string[];
}

/** The part of each layer in the order of the layers, or in words why it can't be cut out. */
export function layerParts(layers: readonly Layer[], graph: Graph): (LayerPart | string)[] {
  const consumers = consumersOf(graph.nodes);
  return layers.map(layer => {
    const wanted = new Set(layer.nodes);
    const uses = usesOf(layer, consumers).filter(({ node }) => wanted.has(node.name));
    const kept = new Set(uses.flatMap(({ node, path }) => [...path, node]));
    if ([...kept].some(n => n.captures.length > 0)) return 'it is used within a branch or loop';
    const nodes = graph.nodes.filter(n => kept.has(n));
    const made = new Set([...graph.initializers.keys(), ...nodes.flatMap(n => n.outputs)]);
    return { nodes, inputs: [...new Set(nodes.flatMap(reads))].filter(name => !made.has(name)) };
  });
}

/** A part as a graph of its own, with inputs of the given types. */
export function partGraph(
  { nodes, inputs }: LayerPart,
  graph: Graph,
  typeOf: (value: string) => TensorType,
): Graph {
  const read = new Set(nodes.flatMap(reads));
  return {
    name: graph.name,
    opsets: graph.opsets,
    inputs: inputs.map(name => ({ name, ...typeOf(name) })),
    outputs: nodes.flatMap(n => n.outputs).filter(name => name !== '' && !read.has(name)),
    initializers: new Map([...graph.initializers].filter(([name]) => read.has(name))),
    // Nothing in a profile should hang on how a file names its nodes.
    nodes: nodes.map((node, i) => ({ ...node, name: `node_${i}` })),
  };
}

/** Equal for graphs that do the same work: all but names and the values of floats. */
export function workOf({ inputs, initializers, nodes }: Graph): string {
  const numbers = new Map<string, number>();
  const numberOf = (name: string): number | null => {
    if (name === '') return null;
    const number = numbers.get(name) ?? numbers.size;
    numbers.set(name, number);
    return number;
  };
  return JSON.stringify(
    [
      nodes.map(n => [n.domain, n.opType, n.attributes, n.inputs.map(numberOf), n.outputs.map(numberOf)]),
      inputs.map(i => [numberOf(i.name), i.elemType, i.shape]),
      [...initializers]
        .sort(([a], [b]) => numberOf(a)! - numberOf(b)!)
        .map(([name, { elemType, shape, data }]) => [
          ...[numberOf(name), elemType, shape],
          isFloat(elemType) ? null : Array.from(data, String),
        ]),
    ],
    (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value),
  );
}
