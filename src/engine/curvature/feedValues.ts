import type { Graph, ValueInfo } from '../graph/graph';

/** The graph with some of its initializers, or of the values that its nodes make, as inputs. */
export function feedValues(graph: Graph, values: readonly ValueInfo[]): Graph {
  const fed = new Set(values.map(({ name }) => name));
  return {
    ...graph,
    inputs: [...graph.inputs, ...values],
    initializers: new Map([...graph.initializers].filter(([name]) => !fed.has(name))),
    nodes: graph.nodes.filter(({ outputs }) => !outputs.some(o => fed.has(o))),
  };
}
