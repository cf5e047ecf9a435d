import { GraphBuilder, type Types } from '../graph/builder';
import type { Graph, Node } from '../graph/graph';
import { expansions } from './expansions';
import { raiseSubgraphs } from './raiseSubgraphs';
import { CANONICAL_OPSET, upgrades } from './upgrades';
import { Site } from './rule';

const canonicalForms = { ...upgrades, ...expansions };

/**
 * The graph with every node in a form that rules know, at operator set 18 or later. Values keep their names where a node
 * stays as it is; an expanded node's output gets its old name by an Identity only where the graph gives it out.
 */
export function canonicalize(graph: Graph, types: Types): Graph {
  const version = graph.opsets.get('') ?? CANONICAL_OPSET;
  const b = new GraphBuilder(
    { ...graph, nodes: [], opsets: new Map(graph.opsets).set('', Math.max(version, CANONICAL_OPSET)) },
    types,
  );
  const renamed = new Map<string, string>();
  const known = new Map(types);
  for (const original of graph.nodes) {
    const node: Node = { ...original, inputs: original.inputs.map(name => renamed.get(name) ?? name) };
    const form =
      node.domain === '' && Object.hasOwn(canonicalForms, node.opType)
        ? canonicalForms[node.opType]
        : undefined;
    const outputs = form && b.within(node.name, () => form(b, new Site(node, known, b), version));
    if (!outputs) {
      b.addNode(version < CANONICAL_OPSET ? raiseSubgraphs(b, node, version) : node);
      continue;
    }
    original.outputs.forEach((name, i) => {
      const value = outputs[i];
      if (name === '' || value === undefined) return;
      renamed.set(name, value);
      const type = types.get(name);
      if (type) known.set(value, type);
    });
  }
  const namedElsewhere = new Set([...graph.outputs, ...graph.nodes.flatMap(n => n.captures)]);
  for (const name of namedElsewhere) {
    const value = renamed.get(name);
    if (value !== undefined) b.alias(value, name);
  }
  return b.build(graph.outputs);
}
