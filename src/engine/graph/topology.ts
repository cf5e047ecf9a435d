import { CurvatureError } from '../errors';
import { type Graph, type Node, reads } from './graph';

/**
 * Nodes in an order in which every value is made before it is read. Linear in the size of the graph.
 * @throws CurvatureError `model-invalid` for cycles, doubled names and values that nobody makes.
 */
export function sortTopologically(nodes: readonly Node[], given: Iterable<string>): Node[] {
  const available = new Set(given);
  const producer = new Map<string, Node>();
  for (const node of nodes) {
    for (const output of node.outputs) {
      if (output === '') continue;
      if (producer.has(output) || available.has(output)) {
        throw new CurvatureError(
          'model-invalid',
          `Value "${output}" has two producers; the second is node "${node.name}".`,
        );
      }
      producer.set(output, node);
    }
  }
  const state = new Map<Node, 'open' | 'done'>();
  const sorted: Node[] = [];
  // An explicit stack: deep models would overflow the call stack.
  for (const root of nodes) {
    const stack: Node[] = [root];
    while (stack.length > 0) {
      const node = stack[stack.length - 1];
      if (state.get(node) === 'done') {
        stack.pop();
        continue;
      }
      const firstVisit = !state.has(node);
      state.set(node, 'open');
      const before = stack.length;
      for (const input of reads(node)) {
        if (available.has(input)) continue;
        const source = producer.get(input);
        if (!source) {
          throw new CurvatureError(
            'model-invalid',
            `Node "${node.name}" (${node.opType}) reads "${input}", which nothing makes.`,
          );
        }
        const seen = state.get(source);
        if (seen === 'open' && firstVisit) {
          throw new CurvatureError(
            'model-invalid',
            `The graph has a cycle through node "${source.name}" (${source.opType}).`,
          );
        }
        if (seen === undefined) stack.push(source);
      }
      if (stack.length === before) {
        state.set(node, 'done');
        sorted.push(node);
        stack.pop();
      }
    }
  }
  return sorted;
}

/** Values that depend on any of `sources`, the sources included; `through` can stop the walk at a node. */
export function dependents(
  nodes: readonly Node[],
  sources: Iterable<string>,
  through: (node: Node) => boolean = () => true,
): Set<string> {
  const reached = new Set(sources);
  for (const node of nodes) {
    if (reads(node).some(v => reached.has(v)) && through(node))
      for (const output of node.outputs) reached.add(output);
  }
  return reached;
}

/** Values that any of `targets` depends on, the targets included. */
export function ancestors(nodes: readonly Node[], targets: Iterable<string>): Set<string> {
  const needed = new Set(targets);
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i];
    if (node.outputs.some(v => needed.has(v))) for (const input of reads(node)) needed.add(input);
  }
  return needed;
}

/** The graph reduced to what `outputs` need. */
export function prune(graph: Graph, outputs: readonly string[]): Graph {
  const needed = ancestors(graph.nodes, outputs);
  return {
    ...graph,
    outputs,
    inputs: graph.inputs.filter(i => needed.has(i.name)),
    initializers: new Map([...graph.initializers].filter(([name]) => needed.has(name))),
    nodes: graph.nodes.filter(n => n.outputs.some(o => needed.has(o))),
  };
}
