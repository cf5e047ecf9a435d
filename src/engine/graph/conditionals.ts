import type { GraphProto } from 'onnx-buf';
import { decodeTensor, type Tensor } from '../onnx/tensor';
import { constantValue } from './constants';
import { nodeOf, uniqueName } from './fromProto';
import { identityProto } from './functions';
import type { Graph, Node } from './graph';
import { instantiate } from './instantiate';

/** The graph with the chosen branch in place of every If whose condition is an initializer; itself where there is none. */
export function inlineConditionals(graph: Graph): Graph {
  const chosen = new Map(
    graph.nodes.flatMap((node): [Node, GraphProto][] => {
      const branch = chosenBranch(node, graph.initializers);
      return branch ? [[node, branch]] : [];
    }),
  );
  if (chosen.size === 0) return graph;
  const initializers = new Map(graph.initializers);
  const names = new Set(graph.nodes.map(n => n.name));
  const nodes = graph.nodes.flatMap(node => {
    const branch = chosen.get(node);
    return branch ? nodesOfBranch(node, branch, initializers, names) : [node];
  });
  // Conditions inside the branch may be known now.
  return inlineConditionals({ ...graph, nodes, initializers });
}

function chosenBranch(node: Node, constants: ReadonlyMap<string, Tensor>): GraphProto | undefined {
  if (node.domain !== '' || node.opType !== 'If') return undefined;
  const condition = constants.get(node.inputs[0]);
  if (!condition) return undefined;
  const branch = node.attributes[Number(condition.data[0]) === 0 ? 'else_branch' : 'then_branch'];
  return branch && 'proto' in branch ? branch.proto.g : undefined;
}

/** The branch's nodes; what it stores goes to `initializers`. Values of its own are named after the If. */
function nodesOfBranch(
  node: Node,
  branch: GraphProto,
  initializers: Map<string, Tensor>,
  names: Set<string>,
): Node[] {
  const stored = new Set(branch.initializer.map(t => t.name));
  const made = new Set(branch.node.flatMap(n => n.output));
  const results = new Map<string, string>();
  const passed: [from: string, to: string][] = [];
  branch.output.forEach(({ name }, i) => {
    const to = node.outputs[i] ?? '';
    if (to === '') return;
    // What the branch passes on, or gives twice, needs a node to carry the other name.
    if (made.has(name) && !results.has(name)) results.set(name, to);
    else passed.push([name, to]);
  });
  const rename = (name: string): string =>
    results.get(name) ?? (made.has(name) || stored.has(name) ? `${node.name}/${name}` : name);
  for (const t of branch.initializer) initializers.set(rename(t.name), decodeTensor(t));
  const protos = [
    ...instantiate(branch.node, { prefix: node.name, rename }),
    ...passed.map(([from, to]) => identityProto(rename(from), to)),
  ];
  return protos.flatMap(proto => {
    const constant = constantValue(proto, initializers);
    if (!constant) return [nodeOf(proto, uniqueName(proto, names))];
    initializers.set(proto.output[0], constant);
    return [];
  });
}
