import { type Types } from '../graph/builder';
import { type Graph, type Node, reads } from '../graph/graph';
import { numElements, storage } from '../onnx/tensor';

/** What the engine's process takes before any model: Node, ONNX Runtime, this code and what it works with. */
const PROCESS_BYTES = 110e6;
/** A node, in ONNX Runtime's sessions and in our own graphs. */
const NODE_BYTES = 15e3;
/** Constants of a graph are held by the reader of the file and, for some time, by its decoder … */
const COPIES_READ = 1.4;
/** … and by the session: ONNX Runtime's own copy, one packed for products, and often one transposed beforehand. */
const COPIES_LOADED = 3.5;
/** ONNX Runtime rounds each buffer up to this. */
const ALIGNMENT = 256;

/** A graph that runs, with the types of all its values. */
interface Part {
  readonly graph: Graph;
  readonly types: Types;
  /** Whether its session keeps memory for its next run, as is the default. One that doesn't runs before those that do. */
  readonly keepsMemory?: boolean;
}

/**
 * The most memory that the process will hold while it runs graphs in turn, from the graphs themselves: constants, feeds,
 * outputs, and the intermediate values alive at the worst moment, which a session mostly keeps for its next run. Within 30 %
 * on the CPU.
 * @param parts outputs of one may be inputs of another
 */
export function predictPeakBytes(parts: readonly Part[]): number {
  const read = new Map<string, number>();
  const passed = new Map<string, number>();
  const sum = (sizes: Iterable<number>): number => [...sizes].reduce((total, size) => total + size, 0);
  let sessions = 0;
  let kept = 0;
  let freed = 0;
  for (const { graph, types, keepsMemory } of parts) {
    const size = sizesOf(types);
    for (const name of graph.initializers.keys()) read.set(name, size(name));
    for (const { name } of graph.inputs) passed.set(name, size(name));
    for (const name of graph.outputs) passed.set(name, size(name));
    sessions += NODE_BYTES * graph.nodes.length;
    sessions += COPIES_LOADED * sum([...graph.initializers.keys()].map(size));
    // ONNX Runtime goes depth first from the outputs, but fusing nodes changes the order in which it takes them. What is
    // alive at once is between that order's and the graph's own.
    const live = (liveBytes(graph, graph.nodes, size) + liveBytes(graph, depthFirst(graph), size)) / 2;
    if (keepsMemory === false) freed = Math.max(freed, live);
    else kept += live;
  }
  const alive = Math.max(kept, freed);
  return PROCESS_BYTES + COPIES_READ * sum(read.values()) + sum(passed.values()) + sessions + alive;
}

function sizesOf(types: Types): (value: string) => number {
  return value => {
    const type = types.get(value);
    if (!type) return 0;
    const size = numElements(type.shape) * storage[type.elemType].BYTES_PER_ELEMENT;
    return Math.ceil(size / ALIGNMENT) * ALIGNMENT;
  };
}

/** Operators whose output is their first input under another shape. */
const views = new Set(['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Identity']);

/**
 * The largest sum of the nodes' values alive at once, when each lives from the node that makes it to the last that reads
 * it, or to the end where it is an output. Linear in the size of the graph.
 */
export function liveBytes(graph: Graph, order: readonly Node[], bytes: (value: string) => number): number {
  const outputs = new Set(graph.outputs);
  /** Readers that a buffer still waits for, by the value that it was made for. */
  const waiting = new Map<string, number>();
  const owner = new Map<string, string>();
  const ownerOf = (value: string): string => owner.get(value) ?? value;
  for (const { opType, inputs, outputs: made } of order)
    if (views.has(opType) && !outputs.has(made[0])) owner.set(made[0], ownerOf(inputs[0]));
  const wait = (value: string, readers: number): number => {
    const left = (waiting.get(value) ?? 0) + readers;
    waiting.set(value, left);
    return left;
  };
  for (const node of order) for (const value of reads(node)) wait(ownerOf(value), 1);
  for (const output of outputs) wait(ownerOf(output), 1);

  const given = new Set([...graph.inputs.map(i => i.name), ...graph.initializers.keys()]);
  let alive = 0;
  let peak = 0;
  for (const node of order) {
    const made = node.outputs.filter(o => o !== '' && !owner.has(o));
    for (const value of made) alive += bytes(value);
    peak = Math.max(peak, alive);
    for (const value of made) if (!waiting.has(value)) alive -= bytes(value);
    for (const value of reads(node).map(ownerOf))
      if (wait(value, -1) === 0 && !given.has(value)) alive -= bytes(value);
  }
  return peak;
}

/** The nodes in the order in which ONNX Runtime visits them: backwards from the outputs, depth first, the last input first. */
export function depthFirst({ nodes }: Graph): Node[] {
  const producer = new Map<string, number>();
  nodes.forEach((node, i) => node.outputs.forEach(o => producer.set(o, i)));
  const needed = nodes.map(node =>
    [...new Set(reads(node).flatMap(value => producer.get(value) ?? []))].sort((a, b) => a - b),
  );
  const isRead = new Set(needed.flat());
  const order: Node[] = [];
  const seen = new Set<number>();
  /** Nodes to visit, and the complements of those to leave. */
  const stack = nodes.flatMap((_, i) => (isRead.has(i) ? [] : [i]));
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    if (top < 0) order.push(nodes[~top]);
    else if (!seen.has(top)) {
      seen.add(top);
      stack.push(~top, ...needed[top].filter(i => !seen.has(i)));
    }
  }
  return order;
}
