import { create } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  type FunctionProto,
  type ModelProto,
  type NodeProto,
  NodeProtoSchema,
} from 'onnx-buf';
import { CurvatureError } from '../errors';
import { instantiate } from './instantiate';

/** Functions that call each other deeper than this are taken to call themselves. */
const MAX_DEPTH = 64;

const keyOf = (domain: string, name: string, overload: string): string => `${domain}::${name}::${overload}`;

/** The model's nodes with calls of its own functions replaced by what these functions do. */
export function inlineFunctions(model: ModelProto): readonly NodeProto[] {
  const functions = new Map(model.functions.map(f => [keyOf(f.domain, f.name, f.overload), f]));
  const inlined = (nodes: readonly NodeProto[], depth: number): readonly NodeProto[] =>
    nodes.flatMap(node => {
      const called = functions.get(keyOf(node.domain, node.opType, node.overload));
      if (!called) return [node];
      if (depth > MAX_DEPTH) {
        throw new CurvatureError(
          'model-invalid',
          `Function "${called.name}" calls itself, which ONNX does not allow.`,
        );
      }
      return inlined(bodyOf(called, node), depth + 1);
    });
  return functions.size === 0 ? model.graph!.node : inlined(model.graph!.node, 0);
}

/** The nodes of a function for one call of it. */
function bodyOf(called: FunctionProto, call: NodeProto): NodeProto[] {
  const prefix = call.name || call.output.find(o => o !== '') || call.opType;
  const names = new Map<string, string>();
  called.input.forEach((name, i) => names.set(name, call.input[i] ?? ''));
  const own = (name: string): string => names.get(name) ?? `${prefix}/${name}`;
  // A result that is one of the operands as it stands needs a node to carry its name.
  const passed: [from: string, to: string][] = [];
  called.output.forEach((name, i) => {
    const result = call.output[i] ?? '';
    if (result === '') return;
    if (names.has(name)) passed.push([own(name), result]);
    else names.set(name, result);
  });
  const given = new Map<string, AttributeProto>(
    [...called.attributeProto, ...call.attribute].map(a => [a.name, a]),
  );
  const body = instantiate(called.node, { prefix, rename: own, attribute: name => given.get(name) });
  return [...body, ...passed.map(([from, to]) => identityProto(from, to))];
}

export const identityProto = (from: string, to: string): NodeProto =>
  create(NodeProtoSchema, { name: to, opType: 'Identity', input: [from], output: [to] });
