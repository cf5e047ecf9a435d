import { create, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProto_AttributeType as Kind,
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { elemTypeOf, isFloat, numElements } from '../onnx/tensor';
import type { Node } from './graph';

/** All nodes inside a node's branches and loop bodies, at any depth, with the attributes that are single integers. */
export const innerNodes = (node: Node): Node[] =>
  Object.values(node.attributes).flatMap(a => ('proto' in a ? subgraphsOf(a.proto).flatMap(allNodes) : []));

const allNodes = (graph: GraphProto): Node[] =>
  graph.node.flatMap(n => [plainNode(n), ...n.attribute.flatMap(subgraphsOf).flatMap(allNodes)]);

const plainNode = (n: NodeProto): Node => ({
  ...{ name: n.name, opType: n.opType, domain: n.domain === 'ai.onnx' ? '' : n.domain },
  ...{ inputs: n.input, outputs: n.output, captures: [], scope: '' },
  attributes: Object.fromEntries(
    n.attribute.filter(a => a.type === Kind.INT).map(a => [a.name, { int: Number(a.i) }]),
  ),
});

const subgraphsOf = (a: AttributeProto): readonly GraphProto[] => (a.g ? [a.g] : a.graphs);

/**
 * Moves the weights that branches and loop bodies hold to the graph around them, which they may read as well, so that weights
 * stand in one place. A name that the file defines twice stays where it is. What gives a weight out itself gives a copy: ONNX Runtime
 * refuses values of the graph around as results.
 */
export function liftWeights(graph: GraphProto): GraphProto {
  const definitions = new Map<string, number>();
  countDefinitions(graph, definitions);
  const lifted: GraphProto['initializer'] = [];
  const isWeight = (t: GraphProto['initializer'][number], name: string): boolean => {
    const type = elemTypeOf(t.dataType);
    return (
      definitions.get(name) === 1 &&
      type !== undefined &&
      isFloat(type) &&
      numElements(t.dims.map(Number)) > 1
    );
  };
  const without = (inner: GraphProto): GraphProto => {
    const before = lifted.length;
    const initializer = inner.initializer.filter(t => {
      const isLifted = isWeight(t, t.name);
      if (isLifted) lifted.push(t);
      return !isLifted;
    });
    const kept = inner.node.filter(n => {
      const value = n.opType === 'Constant' ? n.attribute.find(a => a.name === 'value')?.t : undefined;
      if (!value || !isWeight(value, n.output[0])) return true;
      lifted.push(changed(TensorProtoSchema, value, { name: n.output[0] }));
      return false;
    });
    const own = new Set(lifted.slice(before).map(t => t.name));
    const given = [...new Set(inner.output.map(o => o.name).filter(name => own.has(name)))];
    const copies = given.map(name =>
      create(NodeProtoSchema, { opType: 'Identity', input: [name], output: [copyOf(name)] }),
    );
    const output = inner.output.map(o =>
      own.has(o.name) ? changed(ValueInfoProtoSchema, o, { name: copyOf(o.name) }) : o,
    );
    return changed(GraphProtoSchema, inner, { initializer, node: [...nodesOf(kept), ...copies], output });
  };
  const nodesOf = (nodes: readonly NodeProto[]): NodeProto[] =>
    nodes.map(n =>
      n.attribute.some(isSubgraph)
        ? changed(NodeProtoSchema, n, {
            attribute: n.attribute.map(a =>
              isSubgraph(a)
                ? changed(AttributeProtoSchema, a, {
                    ...(a.g ? { g: without(a.g) } : {}),
                    graphs: a.graphs.map(without),
                  })
                : a,
            ),
          })
        : n,
    );
  const node = nodesOf(graph.node);
  if (lifted.length === 0) return graph;
  return changed(GraphProtoSchema, graph, { node, initializer: [...graph.initializer, ...lifted] });
}

const copyOf = (weight: string): string => `${weight}/given`;

/** A copy with other fields. Those that the file left out are the prototype's, which a spread copy would lose. */
const changed = <T extends DescMessage>(
  schema: T,
  message: MessageShape<T>,
  fields: Partial<MessageShape<T>>,
): MessageShape<T> => Object.assign(create(schema), message, fields);

const isSubgraph = (a: AttributeProto): boolean => a.type === Kind.GRAPH || a.type === Kind.GRAPHS;

function countDefinitions(graph: GraphProto, counts: Map<string, number>): void {
  const names = [
    ...graph.input.map(i => i.name),
    ...graph.initializer.map(t => t.name),
    ...graph.node.flatMap(n => n.output),
  ];
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  for (const inner of graph.node.flatMap(n => n.attribute.flatMap(subgraphsOf)))
    countDefinitions(inner, counts);
}
