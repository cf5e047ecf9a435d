import { numElements } from '../onnx/tensor';
import type { Types } from './builder';
import { consumersOf, type Graph, type Node, reads, swapsLast, type ValueInfo } from './graph';
import { dependents, prune } from './topology';

/** A graph in two: what stays the same while some inputs vary, and the rest. */
export interface Split {
  /** Takes the other inputs; its outputs are `kept`. */
  readonly fixed: Graph;
  /** Takes the varying inputs, the `kept` values, and other inputs that it reads itself. */
  readonly varying: Graph;
  /** Values that pass from the one to the other. */
  readonly kept: readonly ValueInfo[];
}

/** Cheaper to do again than to keep the result beside the operand. */
const views = new Set(['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Identity', 'Expand']);
/** The same where the result has more elements than `SMALL`; below, a node takes longer than its result is worth. */
const slopes = new Set(['HardSigmoid', 'Sign']);
const SMALL = 1 << 17;
/** Results that take more than this many times their operands' memory, such as unfolded windows. */
const EXPANSION = 2;

/**
 * Splits a graph by whether values depend on `inputs`. Every output must depend on them or on no input at all. What
 * depends on no input is in both parts.
 * @param keepsWindows whether what expands its operands is kept too; else it is made again
 */
export function splitGraph(
  graph: Graph,
  types: Types,
  inputs: ReadonlySet<string>,
  keepsWindows = true,
): Split {
  const others = graph.inputs.filter(i => !inputs.has(i.name));
  const varies = dependents(graph.nodes, inputs);
  const given = dependents(
    graph.nodes,
    others.map(i => i.name),
  );
  const isInput = new Set(graph.inputs.map(i => i.name));
  const size = (v: string): number => numElements(types.get(v)?.shape ?? []);
  const consumers = consumersOf(graph.nodes);
  // Products read their right operands transposed as fast as they are, but not their left ones.
  const isOnRight = (node: Node): boolean =>
    swapsLast(node) &&
    consumers.get(node.outputs[0])!.every(c => c.opType === 'MatMul' && c.inputs[0] !== node.outputs[0]);
  const isCheap = (node: Node): boolean => {
    if (views.has(node.opType) || isOnRight(node)) return true;
    if (slopes.has(node.opType)) return size(node.outputs[0]) > SMALL;
    if (keepsWindows) return false;
    const read = reads(node).filter(v => given.has(v));
    return size(node.outputs[0]) > EXPANSION * read.reduce((sum, v) => sum + size(v), 0);
  };
  const producer = new Map(graph.nodes.flatMap(n => n.outputs.map(o => [o, n] as const)));
  const again = new Set<Node>();
  const kept = new Set<string>();
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i];
    if (!again.has(node) && !node.outputs.some(o => varies.has(o))) continue;
    for (const v of reads(node)) {
      if (varies.has(v) || !given.has(v) || isInput.has(v)) continue;
      const source = producer.get(v)!;
      if (isCheap(source)) again.add(source);
      else kept.add(v);
    }
  }
  const passed = [...kept].map((name): ValueInfo => ({ name, ...types.get(name)! }));
  const stays = (node: Node): boolean =>
    again.has(node) || node.outputs.some(o => varies.has(o)) || !node.outputs.some(o => given.has(o));
  return {
    fixed: prune(graph, [...kept]),
    varying: prune(
      {
        ...graph,
        inputs: [...graph.inputs, ...passed],
        // A value that is kept is made by no node here, also where its node stays for another output.
        nodes: graph.nodes.filter(n => stays(n) && !n.outputs.some(o => kept.has(o))),
      },
      graph.outputs,
    ),
    kept: passed,
  };
}
