import { consumersOf, type Graph, intAttribute, type Node } from '../graph/graph';

/** A node that reads a value, and as which operand. */
export interface Use {
  readonly node: Node;
  readonly operand: number;
}

/** Operators behind which an input still is what it was, or some rows of it. */
const passed = new Set([
  ...['Identity', 'Cast', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Expand', 'Slice', 'Transpose'],
  ...['Gather', 'Split'],
]);

/** Whether a node hands on its operand. Lists may be joined, as edges are with loops; not so the coordinates of places, on the last axis. */
const passes = (node: Node, operand: number): boolean =>
  (passed.has(node.opType) && operand === 0) ||
  (node.opType === 'Concat' && intAttribute(node, 'axis', 0) !== -1);

/** The nodes that an input goes into, as which operand, views of it passed. */
export function uses(input: string, graph: Graph): Use[] {
  const consumers = consumersOf(graph.nodes);
  const found: Use[] = [];
  const open = [input];
  const seen = new Set(open);
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    for (const node of consumers.get(value) ?? []) {
      const operand = node.inputs.indexOf(value);
      if (!passes(node, operand)) found.push({ node, operand });
      else
        for (const output of node.outputs.filter(o => !seen.has(o))) {
          seen.add(output);
          open.push(output);
        }
    }
  }
  return found;
}

const byAxis = new Set(['Gather', 'GatherElements', 'Scatter', 'ScatterElements']);

/** Whether these are indices that pick among rows, along axis 0, of the node's operand 0, or change some. */
export const picksRows = ({ node, operand }: Use): boolean =>
  operand === 1 &&
  (node.opType === 'GatherND' ||
    node.opType === 'ScatterND' ||
    (byAxis.has(node.opType) && intAttribute(node, 'axis', 0) === 0));
