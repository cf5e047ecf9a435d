import { clone, create } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProto_AttributeType as Kind,
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  type NodeProto,
  NodeProtoSchema,
} from 'onnx-buf';
import { encodeTensor, float32Tensor, int64Tensor, type Tensor } from '../onnx/tensor';
import type { Attribute } from './graph';

const reductions = ['Sum', 'Mean', 'Max', 'Min', 'Prod', 'L1', 'L2', 'SumSquare', 'LogSum', 'LogSumExp'];

/** Attributes that later operator sets have as inputs, from input 1 on. */
const moved: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(reductions.map(name => [`Reduce${name}`, ['axes']])),
  Squeeze: ['axes'],
  Unsqueeze: ['axes'],
  Split: ['split'],
  Slice: ['starts', 'ends', 'axes'],
  TopK: ['k'],
  Pad: ['pads', 'value'],
  Clip: ['min', 'max'],
  Dropout: ['ratio'],
};

const flattening = new Set(['Softmax', 'LogSoftmax', 'Hardmax']);

/**
 * An attribute with the nodes of its subgraphs, if it has any, in the forms of operator set 18: what stays in an If or a Loop is
 * run as it is, but beside newer nodes.
 * @param version the operator set that they were written for
 */
export function modernSubgraphs(attribute: Attribute, version: number): Attribute {
  if (!('proto' in attribute) || (!attribute.proto.g && attribute.proto.graphs.length === 0))
    return attribute;
  const proto = clone(AttributeProtoSchema, attribute.proto);
  if (proto.g) proto.g = modernGraph(proto.g, version);
  proto.graphs = proto.graphs.map(g => modernGraph(g, version));
  return { proto };
}

function modernGraph(graph: GraphProto, version: number): GraphProto {
  const result = clone(GraphProtoSchema, graph);
  const store = (name: string, tensor: Tensor): string => {
    result.initializer.push(encodeTensor(name, tensor));
    return name;
  };
  result.node = result.node.flatMap(node => {
    for (const a of node.attribute) {
      if (a.g) a.g = modernGraph(a.g, version);
      a.graphs = a.graphs.map(g => modernGraph(g, version));
    }
    return modernNode(node, version, store);
  });
  return result;
}

/** A node with the attributes as operands that later operator sets have so; `store` makes these constants. */
export function modernNode(
  node: NodeProto,
  version: number,
  store: (name: string, tensor: Tensor) => string,
): NodeProto[] {
  const standard = node.domain === '' || node.domain === 'ai.onnx';
  if (!standard) return [node];
  if (version < 13 && flattening.has(node.opType)) return flattened(node);
  const names = moved[node.opType] ?? [];
  const inputs = names.map(name => {
    const a = node.attribute.find(own => own.name === name);
    return a ? store(`${node.output[0]}/${name}`, valueOf(a)) : '';
  });
  const count = inputs.findLastIndex(name => name !== '') + 1;
  if (count > 0) {
    node.input = [node.input[0], ...inputs.slice(0, count)];
    node.attribute = node.attribute.filter(a => !names.includes(a.name));
  }
  if (node.opType === 'Split' && node.input.length < 2 && version < 18)
    node.attribute.push(intAttribute('num_outputs', node.output.length));
  if (node.opType === 'Scatter') node.opType = 'ScatterElements';
  return [node];
}

function valueOf(a: AttributeProto): Tensor {
  if (a.type === Kind.FLOAT) return float32Tensor([], [a.f]);
  return int64Tensor(a.type === Kind.INT ? [Number(a.i)] : a.ints.map(Number));
}

const intAttribute = (name: string, value: number): AttributeProto =>
  create(AttributeProtoSchema, { name, type: Kind.INT, i: BigInt(value) });

/** Before operator set 13 the axes from the given one on, by default from the second, formed one distribution. */
function flattened(node: NodeProto): NodeProto[] {
  const [x] = node.input;
  const [y] = node.output;
  const axis = Number(node.attribute.find(a => a.name === 'axis')?.i ?? 1n);
  const made = (
    opType: string,
    input: string[],
    output: string,
    attribute: AttributeProto[] = [],
  ): NodeProto => create(NodeProtoSchema, { name: output, opType, input, output: [output], attribute });
  return [
    made('Flatten', [x], `${y}/flat`, [intAttribute('axis', axis)]),
    made(node.opType, [`${y}/flat`], `${y}/rows`, [intAttribute('axis', 1)]),
    made('Shape', [x], `${y}/shape`),
    made('Reshape', [`${y}/rows`, `${y}/shape`], y),
  ];
}
