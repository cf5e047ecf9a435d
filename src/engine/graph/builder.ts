import { invariant } from '../errors';
import { float32Tensor, int64Tensor, type Tensor, type TensorType } from '../onnx/tensor';
import type { Attribute, Graph, Node, ValueInfo } from './graph';
import { prune } from './topology';

/** Types of values; what ONNX Runtime inferred for a graph, and what was added to it since. */
export type Types = ReadonlyMap<string, TensorType>;

/**
 * Adds nodes to a graph. Equal nodes are made once (hash-consing), so rules may ask for the same value again
 * and again: what forward and reverse rules share is computed once.
 */
export class GraphBuilder {
  private readonly nodes: Node[] = [];
  private readonly initializers: Map<string, Tensor>;
  private readonly inputs: ValueInfo[];
  private readonly made = new Map<string, readonly string[]>();
  private readonly names = new Set<string>();
  /** Nodes of several outputs have names that are no value's. */
  private readonly nodeNames = new Set<string>();
  private readonly counters = new Map<string, number>();
  /** Index into `nodes` by the node's first output. */
  private readonly position = new Map<string, number>();
  private prefix = '';

  constructor(
    private readonly base: Graph,
    /** Types of the base graph's values. */
    readonly types: Types,
  ) {
    this.initializers = new Map(base.initializers);
    this.inputs = [...base.inputs];
    for (const i of base.inputs) this.names.add(i.name);
    for (const name of base.initializers.keys()) this.names.add(name);
    for (const n of base.nodes) this.addNode(n);
    // What an earlier builder made of constants is shared too, or nodes that read them would be made again.
    for (const [name, tensor] of base.initializers) {
      if (name.startsWith(MADE) && isSmall(tensor)) this.made.set(keyOfConstant(tensor), [name]);
    }
  }

  /**
   * Names of what is emitted inside `body` begin with `prefix`, so that they can be told apart in a graph
   * viewer.
   */
  within<T>(prefix: string, body: () => T): T {
    const outer = this.prefix;
    this.prefix = prefix;
    try {
      return body();
    } finally {
      this.prefix = outer;
    }
  }

  /** Emits a node with one output and returns the output's name. */
  add(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    domain = '',
  ): string {
    return this.addMany(opType, inputs, attributes, 1, domain)[0];
  }

  addMany(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
    outputs: number,
    domain = '',
  ): readonly string[] {
    const key = keyOf(opType, domain, inputs, attributes, outputs);
    const existing = this.made.get(key);
    if (existing) return existing;
    const name = this.unique(`${this.prefix}${this.prefix ? '/' : ''}${opType}`);
    const names =
      outputs === 1 ? [name] : Array.from({ length: outputs }, (_, i) => this.unique(`${name}_${i}`));
    this.push({ name, opType, domain, inputs, outputs: names, attributes, captures: [], scope: '' });
    this.made.set(key, names);
    return names;
  }

  /** Takes over a node as it is; its outputs must be new. */
  addNode(node: Node): void {
    for (const o of node.outputs) this.names.add(o);
    if (node.captures.length === 0) {
      this.made.set(
        keyOf(node.opType, node.domain, node.inputs, node.attributes, node.outputs.length),
        node.outputs,
      );
    }
    this.push(node);
  }

  /**
   * Gives an existing node one more output (such as MaxPool's Indices) instead of computing its first one
   * twice.
   */
  extraOutput(node: Node, index: number): string {
    const at = this.position.get(node.outputs[0]);
    invariant(at !== undefined, `node ${node.name} is not in the graph`);
    const current = this.nodes[at];
    const existing = current.outputs[index];
    if (existing) return existing;
    const name = this.unique(`${node.name}/output_${index}`);
    const outputs = Array.from({ length: index + 1 }, (_, i) =>
      i === index ? name : (current.outputs[i] ?? ''),
    );
    this.nodes[at] = { ...current, outputs };
    return name;
  }

  /** Names a value: emits an Identity whose output is `name`. */
  alias(value: string, name: string): void {
    invariant(!this.names.has(name), `value ${name} exists already`);
    this.names.add(name);
    this.push({
      name,
      opType: 'Identity',
      domain: '',
      inputs: [value],
      outputs: [name],
      attributes: {},
      captures: [],
      scope: '',
    });
  }

  input(info: ValueInfo): string {
    invariant(!this.names.has(info.name), `value ${info.name} exists already`);
    this.names.add(info.name);
    this.inputs.push(info);
    return info.name;
  }

  constant(tensor: Tensor, hint = 'constant'): string {
    const key = isSmall(tensor) ? keyOfConstant(tensor) : undefined;
    const existing = key === undefined ? undefined : this.made.get(key);
    if (existing) return existing[0];
    const name = this.unique(`${MADE}${hint}`);
    this.initializers.set(name, tensor);
    if (key !== undefined) this.made.set(key, [name]);
    return name;
  }

  /** A constant that its name tells all about: made when it is first asked for, however large it is. */
  namedConstant(name: string, make: () => Tensor): string {
    const known = `${MADE}${name}`;
    return this.initializers.has(known) ? known : this.constant(make(), name);
  }

  /** The node whose first output a value is. */
  makerOf(value: string): Node | undefined {
    const at = this.position.get(value);
    return at === undefined ? undefined : this.nodes[at];
  }

  /** The initializer a name stands for, if it is one. */
  constantOf(name: string): Tensor | undefined {
    return this.initializers.get(name);
  }

  scalar(value: number): string {
    return this.constant(float32Tensor([], [value]), 'scalar');
  }

  ints(values: readonly number[]): string {
    return this.constant(int64Tensor(values), 'ints');
  }

  /** The graph so far, reduced to what `outputs` need. */
  build(outputs: readonly string[]): Graph {
    return prune(
      { ...this.base, inputs: this.inputs, outputs, initializers: this.initializers, nodes: this.nodes },
      outputs,
    );
  }

  private push(node: Node): void {
    this.nodeNames.add(node.name);
    this.position.set(node.outputs[0], this.nodes.length);
    this.nodes.push(node);
  }

  private unique(base: string): string {
    let name = base;
    while (this.names.has(name) || this.nodeNames.has(name)) {
      const n = (this.counters.get(base) ?? 1) + 1;
      this.counters.set(base, n);
      name = `${base}_${n}`;
    }
    this.names.add(name);
    return name;
  }
}

/** What names of constants that are made here begin with. */
const MADE = 'curvature/';
const MAX_SHARED = 64;

const isSmall = (tensor: Tensor): boolean => tensor.data.length <= MAX_SHARED;

const keyOfConstant = ({ elemType, shape, data }: Tensor): string =>
  `constant ${elemType} [${shape.join()}] ${Array.from(data as ArrayLike<number>, String).join()}`;

function keyOf(
  opType: string,
  domain: string,
  inputs: readonly string[],
  attributes: Readonly<Record<string, Attribute>>,
  outputs: number,
): string {
  const names = Object.keys(attributes).sort();
  // Tensors and subgraphs as attributes are rare: such nodes are told apart by identity, that is never
  // shared.
  const values = names.map(n => {
    const a = attributes[n];
    return 'tensor' in a || 'proto' in a ? `#${uniqueId(a)}` : JSON.stringify(a);
  });
  return `${domain}::${opType}/${outputs}(${inputs.join(',')})${names.map((n, i) => `${n}=${values[i]}`).join(';')}`;
}

const ids = new WeakMap<object, number>();
let lastId = 0;
function uniqueId(value: object): number {
  const known = ids.get(value);
  if (known !== undefined) return known;
  ids.set(value, ++lastId);
  return lastId;
}
