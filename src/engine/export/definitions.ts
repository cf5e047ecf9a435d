import type { AttributeProto, GraphProto, NodeProto, TensorProto } from 'onnx-buf';

/** Where the file defines a constant: as an initializer of a body, or as a Constant node in it. */
export interface Place {
  readonly body: GraphProto;
  readonly tensor: TensorProto;
  /** Where a Constant node gives it. */
  readonly node?: NodeProto;
}

/** A node that reads a value as its operand `input`. */
export interface Reader {
  readonly body: GraphProto;
  readonly node: NodeProto;
  readonly input: number;
}

/** What a file defines and reads, in the graph and in all branches and loop bodies. */
export interface Definitions {
  /** Of constants that are defined once. */
  readonly places: ReadonlyMap<string, Place>;
  readonly readers: ReadonlyMap<string, readonly Reader[]>;
  /** Outputs of any body. */
  readonly outputs: ReadonlySet<string>;
  /** All names of values and nodes. */
  readonly names: Set<string>;
}

export const subgraphsOf = (a: AttributeProto): readonly GraphProto[] => (a.g ? [a.g] : a.graphs);

/** A graph with its branches and loop bodies, at any depth. */
export const bodiesOf = (graph: GraphProto): GraphProto[] => [
  graph,
  ...graph.node.flatMap(n => n.attribute.flatMap(subgraphsOf)).flatMap(bodiesOf),
];

export function findDefinitions(graph: GraphProto): Definitions {
  const places = new Map<string, Place>();
  const readers = new Map<string, Reader[]>();
  const outputs = new Set<string>();
  const names = new Set<string>();
  const twice = new Set<string>();
  const define = (name: string, place: Place): void => {
    if (places.has(name)) twice.add(name);
    places.set(name, place);
  };
  for (const body of bodiesOf(graph)) {
    for (const tensor of body.initializer) define(tensor.name, { body, tensor });
    for (const { name } of body.output) outputs.add(name);
    for (const { name } of [...body.input, ...body.initializer]) names.add(name);
    for (const node of body.node) {
      for (const name of [node.name, ...node.output]) names.add(name);
      const tensor = node.opType === 'Constant' ? node.attribute.find(a => a.name === 'value')?.t : undefined;
      if (tensor) define(node.output[0], { body, tensor, node });
      node.input.forEach((name, input) => {
        const reader = { body, node, input };
        const known = readers.get(name);
        if (known) known.push(reader);
        else readers.set(name, [reader]);
      });
    }
  }
  for (const name of twice) places.delete(name);
  return { places, readers, outputs, names };
}

/** A name that nothing has yet, as near to the wish as can be; it is taken then. */
export function freshName(wish: string, names: Set<string>): string {
  let name = wish;
  for (let i = 2; names.has(name); i++) name = `${wish}_${i}`;
  names.add(name);
  return name;
}
