import {
  type AttributeProto,
  AttributeProto_AttributeType as Kind,
  type GraphProto,
  type NodeProto,
} from 'onnx-buf';
import {
  decodeTensor,
  float32Tensor,
  int64Tensor,
  numElements,
  type Tensor,
  toNumbers,
} from '../onnx/tensor';
import type { Attribute, Node } from './graph';

export const isStandard = (domain: string): boolean => domain === '' || domain === 'ai.onnx';

/** The node's name, or one made of what it gives; `taken` holds those of the other nodes, and gets this one. */
export function uniqueName(node: NodeProto, taken: Set<string>): string {
  const base = node.name || node.output.find(o => o !== '') || node.opType;
  let name = base;
  for (let i = 2; taken.has(name); i++) name = `${base}#${i}`;
  taken.add(name);
  return name;
}

export function nodeOf(n: NodeProto, name: string): Node {
  return {
    name,
    opType: n.opType,
    domain: isStandard(n.domain) ? '' : n.domain,
    inputs: withoutTrailingEmpties(n.input),
    outputs: n.output,
    attributes: Object.fromEntries(n.attribute.map(a => [a.name, attributeOf(a)])),
    captures: n.attribute.flatMap(a => (a.g ? captured(a.g) : a.graphs.flatMap(captured))),
    scope: scopeOf(n),
  };
}

/** An absent last operand may be written as an empty name; ONNX Runtime crashes on one at LayerNormalization. */
const withoutTrailingEmpties = (inputs: readonly string[]): readonly string[] =>
  inputs.slice(0, inputs.findLastIndex(name => name !== '') + 1);

function attributeOf(a: AttributeProto): Attribute {
  switch (a.type) {
    case Kind.INT:
      return { int: Number(a.i) };
    case Kind.INTS:
      return { ints: a.ints.map(Number) };
    case Kind.FLOAT:
      return { float: a.f };
    case Kind.FLOATS:
      return { floats: a.floats };
    case Kind.STRING:
      return { string: new TextDecoder().decode(a.s) };
    case Kind.TENSOR:
      return a.t ? { tensor: decodeTensor(a.t) } : { proto: a };
    default:
      return { proto: a };
  }
}

/** Values that a subgraph reads but neither takes as input nor makes. */
function captured(graph: GraphProto): string[] {
  const own = new Set([
    ...graph.input.map(i => i.name),
    ...graph.initializer.map(t => t.name),
    ...graph.node.flatMap(n => n.output),
  ]);
  const used = graph.node.flatMap(n => [
    ...n.input,
    ...n.attribute.flatMap(a => (a.g ? captured(a.g) : a.graphs.flatMap(captured))),
  ]);
  return [...new Set([...used, ...graph.output.map(o => o.name)])].filter(
    name => name !== '' && !own.has(name),
  );
}

/**
 * The dynamo exporter records module paths as a Python list in the node's metadata; the last entry is the
 * operator call.
 */
function scopeOf(n: NodeProto): string {
  const recorded = n.metadataProps.find(p => p.key === 'pkg.torch.onnx.name_scopes')?.value;
  if (recorded === undefined) return '';
  const parts = [...recorded.matchAll(/'([^']*)'/g)].map(m => m[1]);
  return parts.slice(0, -1).findLast(p => p !== '') ?? '';
}

/** Elements that a ConstantOfShape may ask for; a file of a few bytes must not take all memory. */
const MAX_FILLED = 1 << 28;

/** What a node gives that depends on nothing but the file: a Constant, or a ConstantOfShape of a constant shape. */
export function constantValue(n: NodeProto, constants: ReadonlyMap<string, Tensor>): Tensor | undefined {
  const [a] = n.attribute;
  if (n.opType === 'ConstantOfShape') {
    const shape = constants.get(n.input[0] ?? '');
    const value = a?.t ? decodeTensor(a.t) : float32Tensor([1], [0]);
    if (!shape || value.elemType !== 'float32') return undefined;
    const dims = toNumbers(shape);
    const size = numElements(dims);
    if (!(size >= 0 && size <= MAX_FILLED)) return undefined;
    return float32Tensor(dims, new Float32Array(size).fill(Number(value.data[0])));
  }
  if (n.opType !== 'Constant' || !a) return undefined;
  switch (a.name) {
    case 'value':
      return a.t && decodeTensor(a.t);
    case 'value_float':
      return float32Tensor([], [a.f]);
    case 'value_floats':
      return float32Tensor([a.floats.length], a.floats);
    case 'value_int':
      return int64Tensor([Number(a.i)], []);
    case 'value_ints':
      return int64Tensor(a.ints.map(Number));
    default:
      return undefined;
  }
}
