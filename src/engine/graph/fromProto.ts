import {
  type AttributeProto,
  AttributeProto_AttributeType as Kind,
  type GraphProto,
  type NodeProto,
} from 'onnx-buf';
import { decodeTensor } from '../onnx/tensor';
import type { Decode } from './constants';
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

export function nodeOf(n: NodeProto, name: string, decode: Decode = decodeTensor): Node {
  return {
    name,
    opType: n.opType,
    domain: isStandard(n.domain) ? '' : n.domain,
    inputs: withoutTrailingEmpties(n.input),
    outputs: n.output,
    attributes: Object.fromEntries(n.attribute.map(a => [a.name, attributeOf(a, decode)])),
    captures: capturesOf(n),
    scope: scopeOf(n),
  };
}

/** An absent last operand may be written as an empty name; ONNX Runtime crashes on one at LayerNormalization. */
const withoutTrailingEmpties = (inputs: readonly string[]): readonly string[] =>
  inputs.slice(0, inputs.findLastIndex(name => name !== '') + 1);

function attributeOf(a: AttributeProto, decode: Decode): Attribute {
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
      return a.t ? { tensor: decode(a.t) } : { proto: a };
    default:
      return { proto: a };
  }
}

const capturesOf = (n: NodeProto): string[] =>
  n.attribute.flatMap(a => (a.g ? captured(a.g) : a.graphs.flatMap(captured)));

/** All values that a node reads, those of its subgraphs included. */
export const readsOf = (n: NodeProto): string[] => [...n.input, ...capturesOf(n)];

/** Values that a subgraph reads but neither takes as input nor makes. */
function captured(graph: GraphProto): string[] {
  const own = new Set([
    ...graph.input.map(i => i.name),
    ...graph.initializer.map(t => t.name),
    ...graph.node.flatMap(n => n.output),
  ]);
  const used = graph.node.flatMap(readsOf);
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
