import { clone } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  type GraphProto,
  type NodeProto,
  NodeProtoSchema,
} from 'onnx-buf';

/** What may change where nodes of a subgraph or a function are put into a graph. */
export interface Placement {
  /** New names of values; empty ones, which stand for absent values, stay empty. */
  readonly rename: (name: string) => string;
  /** What is put before the nodes' own names. */
  readonly prefix: string;
  /** Attributes that a function's nodes refer to by name; those that the caller left out are undefined. */
  readonly attribute?: (name: string) => AttributeProto | undefined;
}

/** A copy of nodes under other names, those in their subgraphs included. */
export const instantiate = (nodes: readonly NodeProto[], place: Placement): NodeProto[] =>
  nodes.map(node => placed(clone(NodeProtoSchema, node), place));

function placed(node: NodeProto, place: Placement): NodeProto {
  const rename = (name: string): string => (name === '' ? '' : place.rename(name));
  node.name = `${place.prefix}/${node.name || node.output.find(o => o !== '') || node.opType}`;
  node.input = node.input.map(rename);
  node.output = node.output.map(rename);
  node.attribute = node.attribute.flatMap(a => {
    const meant = a.refAttrName === '' ? a : place.attribute?.(a.refAttrName);
    if (!meant) return [];
    if (meant !== a) {
      const own = clone(AttributeProtoSchema, meant);
      own.name = a.name;
      return [own];
    }
    for (const graph of [...(a.g ? [a.g] : []), ...a.graphs]) placeSubgraph(graph, place);
    return [a];
  });
  return node;
}

function placeSubgraph(graph: GraphProto, place: Placement): void {
  graph.node = graph.node.map(node => placed(node, place));
  for (const named of [...graph.input, ...graph.output, ...graph.initializer])
    named.name = place.rename(named.name);
}
