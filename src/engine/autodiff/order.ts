import { GraphBuilder, type Types } from '../graph/builder';
import type { Graph, Node } from '../graph/graph';
import { dependents } from '../graph/topology';
import { isFloat } from '../onnx/tensor';
import { type Derivative, Site } from '../ops/rule';
import { isDifferentiable, opOf, ruleOf } from '../ops/table';
import { activeValues } from './reach';

/** What a node's rule falls short of: no derivative at all (0), or none of its derivative (1). */
export interface Shortfall {
  readonly order: 0 | 1;
  readonly why: string;
}

/**
 * Tries the rule of every node that a derivative by `sources` can pass, and tells which ones don't give derivatives of both
 * orders, by node. Nothing is believed of a rule: its nodes are emitted and thrown away. One that throws has no derivative
 * here; one that emits an operator without a rule has no second one. Nodes without a rule are not in the map.
 */
export function shortfalls(graph: Graph, types: Types, sources: ReadonlySet<string>): Map<string, Shortfall> {
  const active = activeValues(graph.nodes, sources, new Set());
  const b = new GraphBuilder(graph, types);
  const found = new Map<string, Shortfall>();
  const made = new Map<string, readonly string[]>();
  for (const node of graph.nodes) {
    if (!ruleOf(node) || !node.inputs.some((v, i) => active.has(v) && isDifferentiable(node, i))) continue;
    try {
      made.set(node.name, derivatives(b, node, types, active));
    } catch (error) {
      found.set(node.name, { order: 0, why: (error as Error).message.replace(/^internal: /, '') });
    }
  }
  const own = new Set(graph.nodes.map(n => n.name));
  const emitted = b.build([...made.values()].flat()).nodes.filter(n => !own.has(n.name));
  for (const opType of new Set(emitted.filter(n => opOf(n) === undefined).map(n => n.opType))) {
    const open = emitted.filter(n => n.opType === opType && opOf(n) === undefined);
    const spoiled = dependents(
      emitted,
      open.flatMap(n => n.outputs),
    );
    for (const [name, values] of made) {
      if (!found.has(name) && values.some(v => spoiled.has(v)))
        found.set(name, { order: 1, why: `its derivative needs ${opType}, which has none` });
    }
  }
  return found;
}

/** Emits both derivatives of a node, for tangents and cotangents that stand for any. */
function derivatives(
  b: GraphBuilder,
  node: Node,
  types: Types,
  active: ReadonlySet<string>,
): readonly string[] {
  const rule = ruleOf(node)!;
  const site = new Site(node, types, b);
  const standIn = (value: string, kind: string): Derivative => {
    const type = types.get(value);
    if (!type || !isFloat(type.elemType)) return null;
    return b.input({ name: `${node.name}/${kind}/${value}`, ...type });
  };
  const needs = node.inputs.map((v, i) => active.has(v) && isDifferentiable(node, i));
  // One operand may stand in two places, and its tangent is then the same.
  const tangentOf = new Map(
    [...new Set(node.inputs.filter((_, i) => needs[i]))].map(v => [v, standIn(v, 't')]),
  );
  const tangents = node.inputs.map((v, i) => (needs[i] ? (tangentOf.get(v) ?? null) : null));
  const cotangents = node.outputs.map(v => (v === '' ? null : standIn(v, 'c')));
  return [...rule.jvp(b, site, tangents), ...rule.vjp(b, site, cotangents, needs)].filter(
    d => d !== null && d !== undefined,
  );
}
