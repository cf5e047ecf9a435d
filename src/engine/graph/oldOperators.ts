import { elemTypeCode, type ElemType, int64Tensor, storage, type Tensor } from '../onnx/tensor';
import {
  type Attribute,
  floatAttribute,
  type Graph,
  intAttribute,
  intsAttribute,
  type Node,
  stringAttribute,
} from './graph';
import { ranksOf } from './ranks';

/** The operator set that older ones are brought to: the first whose forms ONNX Runtime all has. */
const MODERN = 8;

/** What rewriting a node may need to know and to add. */
interface Context {
  readonly version: number;
  readonly rankOf: (value: string) => number | undefined;
  readonly store: (name: string, tensor: Tensor) => string;
}

type Rewrite = (node: Node, context: Context) => readonly Node[];

/**
 * Operators of operator sets 1 to 7 in the forms of set 8. ONNX Runtime refuses the oldest forms, so this can't wait until it
 * has told the types of all values.
 */
export function withoutOldOperators(graph: Graph): Graph {
  const version = graph.opsets.get('') ?? MODERN;
  if (version >= MODERN) return graph;
  const initializers = new Map(graph.initializers);
  const ranks = ranksOf(graph);
  const context: Context = {
    version,
    rankOf: value => ranks.get(value),
    store: (name, tensor) => {
      initializers.set(name, tensor);
      return name;
    },
  };
  const nodes = graph.nodes.flatMap(node => {
    const rewrite =
      node.domain === '' && Object.hasOwn(rewrites, node.opType) ? rewrites[node.opType] : undefined;
    const plain = withoutAttributes(node, 'consumed_inputs', 'is_test');
    return rewrite ? rewrite(plain, context) : [plain];
  });
  return { ...graph, opsets: new Map(graph.opsets).set('', MODERN), initializers, nodes };
}

const withoutAttributes = (node: Node, ...names: string[]): Node => ({
  ...node,
  attributes: Object.fromEntries(Object.entries(node.attributes).filter(([name]) => !names.includes(name))),
});

const withAttributes = (node: Node, attributes: Record<string, Attribute>): readonly Node[] => [
  { ...node, attributes: { ...node.attributes, ...attributes } },
];

/** Operand 1 with `count` axes of length 1 behind its own, ahead of the node. */
function withTrailingAxes(node: Node, rank: number, count: number): readonly Node[] {
  if (count <= 0) return [node];
  const laid = `${node.name}/laid`;
  const axes = Array.from({ length: count }, (_, i) => rank + i);
  const unsqueeze: Node = {
    name: laid,
    opType: 'Unsqueeze',
    domain: '',
    inputs: [node.inputs[1]],
    outputs: [laid],
    attributes: { axes: { ints: axes } },
    captures: [],
    scope: node.scope,
  };
  return [unsqueeze, { ...node, inputs: [node.inputs[0], laid, ...node.inputs.slice(2)] }];
}

/** Before operator set 7 the second operand was laid along `axis` of the first, by default along its last axes. */
const broadcast: Rewrite = (node, { version, rankOf }) => {
  const plain = withoutAttributes(node, 'broadcast', 'axis');
  const [x, y] = [rankOf(node.inputs[0]), rankOf(node.inputs[1])];
  const axis = intAttribute(node, 'axis', NaN);
  if (version >= 7 || Number.isNaN(axis) || x === undefined || y === undefined) return [plain];
  return withTrailingAxes(plain, y, x - (axis < 0 ? axis + x : axis) - y);
};

/** Slopes were given per channel, without axes for the pixels. */
const PRelu: Rewrite = (node, { version, rankOf }) => {
  const [x, slope] = [rankOf(node.inputs[0]), rankOf(node.inputs[1])];
  return version < 7 && x !== undefined && slope === 1 ? withTrailingAxes(node, slope, x - 2) : [node];
};

const Reshape: Rewrite = (node, { store }) => {
  const shape = intsAttribute(node, 'shape');
  if (!shape) return [node];
  const inputs = [node.inputs[0], store(`${node.name}/shape`, int64Tensor(shape))];
  return [{ ...withoutAttributes(node, 'shape'), inputs }];
};

const Upsample: Rewrite = node => {
  if (!('height_scale' in node.attributes)) return [node];
  const scales = ['height_scale', 'width_scale'].map(name => floatAttribute(node, name, 1));
  return withAttributes(withoutAttributes(node, 'height_scale', 'width_scale'), {
    scales: { floats: [1, 1, ...scales] },
  });
};

/** Types were named as in the enumeration of the file format. */
const typeNames: Readonly<Record<string, ElemType | undefined>> = {
  ...Object.fromEntries((Object.keys(storage) as ElemType[]).map(type => [type.toUpperCase(), type])),
  FLOAT: 'float32',
  DOUBLE: 'float64',
};

const Cast: Rewrite = node => {
  const type = typeNames[stringAttribute(node, 'to', '')];
  return type ? withAttributes(node, { to: { int: elemTypeCode(type) } }) : [node];
};

const Concat: Rewrite = node => withAttributes(node, { axis: { int: intAttribute(node, 'axis', 1) } });

const Pad: Rewrite = node => {
  const pads = intsAttribute(node, 'paddings');
  return pads ? withAttributes(withoutAttributes(node, 'paddings'), { pads: { ints: pads } }) : [node];
};

const Selu: Rewrite = node =>
  withAttributes(node, {
    alpha: { float: floatAttribute(node, 'alpha', 1.6732) },
    gamma: { float: floatAttribute(node, 'gamma', 1.0507) },
  });

const integerP: Rewrite = node =>
  withAttributes(node, { p: { int: intAttribute(node, 'p', floatAttribute(node, 'p', 2)) } });

/** Running statistics are all that inference reads; what training gives out plays no part. */
const BatchNormalization: Rewrite = node => [{ ...node, outputs: node.outputs.slice(0, 1) }];

const binary = ['Add', 'Sub', 'Mul', 'Div', 'Pow', 'And', 'Or', 'Xor', 'Equal', 'Greater', 'Less'];

const rewrites: Readonly<Record<string, Rewrite>> = {
  ...Object.fromEntries(binary.map(name => [name, broadcast])),
  PRelu,
  Gemm: node => [withoutAttributes(node, 'broadcast')],
  Reshape,
  Upsample,
  Cast,
  Concat,
  Pad,
  Selu,
  LpPool: integerP,
  GlobalLpPool: integerP,
  BatchNormalization,
};
