import { GraphBuilder, type Types } from '../graph/builder';
import type { Graph, Node } from '../graph/graph';
import { modernSubgraphs } from '../graph/modernSubgraphs';
import type { Canonical } from './canonicalForm';
import { contrib, CONTRIB_DOMAIN } from './contrib';
import { expansions } from './expansions';
import { CANONICAL_OPSET, upgrades } from './upgrades';
import { Site } from './rule';

const forms: Readonly<Record<string, Readonly<Record<string, Canonical>>>> = {
  '': { ...upgrades, ...expansions },
  [CONTRIB_DOMAIN]: contrib,
};

function formOf({ domain, opType }: Node): Canonical | undefined {
  const ofDomain = Object.hasOwn(forms, domain) ? forms[domain] : {};
  return Object.hasOwn(ofDomain, opType) ? ofDomain[opType] : undefined;
}

/** The node with what its subgraphs hold in the forms of the operator set that the graph is brought to. */
const modern = (node: Node, version: number): Node => ({
  ...node,
  attributes: Object.fromEntries(
    Object.entries(node.attributes).map(([name, a]) => [name, modernSubgraphs(a, version)]),
  ),
});

/**
 * The graph with every node in a form that rules know, at operator set 18 or later. Values keep their names where a node
 * stays as it is; an expanded node's output gets its old name by an Identity only where the graph gives it out or a subgraph
 * reads it.
 * @returns also what values with another name now are called, by the old one
 */
export function canonicalize(
  graph: Graph,
  types: Types,
): { graph: Graph; renamed: ReadonlyMap<string, string> } {
  const version = graph.opsets.get('') ?? CANONICAL_OPSET;
  const b = new GraphBuilder(
    { ...graph, nodes: [], opsets: new Map(graph.opsets).set('', Math.max(version, CANONICAL_OPSET)) },
    types,
  );
  const namedElsewhere = new Set([...graph.outputs, ...graph.nodes.flatMap(n => n.captures)]);
  const renamed = new Map<string, string>();
  const known = new Map(types);
  for (const original of graph.nodes) {
    const node: Node = {
      ...(version < CANONICAL_OPSET ? modern(original, version) : original),
      inputs: original.inputs.map(name => renamed.get(name) ?? name),
    };
    const form = formOf(node);
    const outputs = form && b.within(node.name, () => form(b, new Site(node, known, b), version));
    if (!outputs) {
      b.addNode(node);
      continue;
    }
    original.outputs.forEach((name, i) => {
      const value = outputs[i];
      if (name === '' || value === undefined || value === '') return;
      renamed.set(name, value);
      if (namedElsewhere.has(name)) b.alias(value, name);
      const type = types.get(name);
      if (type) known.set(value, type);
    });
  }
  return { graph: b.build(graph.outputs), renamed };
}
