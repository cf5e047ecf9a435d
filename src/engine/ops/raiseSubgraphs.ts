import { create } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as Kind,
  AttributeProtoSchema,
  type GraphProto,
  type NodeProto,
} from 'onnx-buf';
import type { GraphBuilder } from '../graph/builder';
import type { Attribute, Node } from '../graph/graph';

/** The operator set from which axes are an input. */
const axesAreInput: Readonly<Record<string, number>> = {
  ...Object.fromEntries(
    ['Max', 'Min', 'Mean', 'Prod', 'L1', 'L2', 'SumSquare', 'LogSum', 'LogSumExp'].map(n => [
      `Reduce${n}`,
      18,
    ]),
  ),
  ReduceSum: 13,
  Squeeze: 13,
  Unsqueeze: 13,
};

/**
 * Branches and loop bodies have no operator set of their own: where the graph around them is raised to 18, their nodes are
 * too. Types inside them are not known, so this covers what changes its form alone: axes, and the parts of a Split.
 */
export function raiseSubgraphs(b: GraphBuilder, node: Node, version: number): Node {
  if (!Object.values(node.attributes).some(a => 'proto' in a)) return node;
  const captures = new Set(node.captures);
  const constant = (values: readonly number[]): string => {
    const name = b.ints(values);
    captures.add(name);
    return name;
  };
  const raiseGraph = (g: GraphProto): GraphProto => ({ ...g, node: g.node.map(raise) });
  const raise = (inner: NodeProto): NodeProto => {
    const attribute = inner.attribute.map(a => ({
      ...a,
      ...(a.g ? { g: raiseGraph(a.g) } : {}),
      graphs: a.graphs.map(raiseGraph),
    }));
    const moved = attributeAsInput(inner, version);
    const values = inner.attribute.find(a => a.name === moved)?.ints.map(Number);
    if (values) {
      const rest = attribute.filter(a => a.name !== moved);
      return { ...inner, input: [inner.input[0], constant(values)], attribute: rest };
    }
    const isHalved = inner.opType === 'Split' && version < 18 && (inner.input[1] ?? '') === '';
    const parts = { name: 'num_outputs', type: Kind.INT, i: BigInt(inner.output.length) };
    return {
      ...inner,
      attribute: isHalved ? [...attribute, create(AttributeProtoSchema, parts)] : attribute,
    };
  };
  const attributes = Object.fromEntries(
    Object.entries(node.attributes).map(([name, a]): [string, Attribute] => {
      if (!('proto' in a)) return [name, a];
      const { g, graphs } = a.proto;
      return [
        name,
        { proto: { ...a.proto, ...(g ? { g: raiseGraph(g) } : {}), graphs: graphs.map(raiseGraph) } },
      ];
    }),
  );
  return { ...node, attributes, captures: [...captures] };
}

function attributeAsInput({ opType, domain }: NodeProto, version: number): string | undefined {
  if (domain !== '' && domain !== 'ai.onnx') return undefined;
  if (opType === 'Split' && version < 13) return 'split';
  return version < (axesAreInput[opType] ?? 0) ? 'axes' : undefined;
}
