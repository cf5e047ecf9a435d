import type { Node } from '../graph/graph';
import { isAlias, type Layer } from './layers';

/** Nodes that use a layer's weight, aliases such as Transpose passed, with the operand's index and name. */
export function usesOf(
  layer: Layer,
  consumers: ReadonlyMap<string, Node[]>,
): { node: Node; operand: number; path: Node[] }[] {
  const follow = (value: string, path: Node[]): { node: Node; operand: number; path: Node[] }[] =>
    (consumers.get(value) ?? []).flatMap(node =>
      isAlias(node)
        ? follow(node.outputs[0], [...path, node])
        : [{ node, operand: node.inputs.indexOf(value), path }],
    );
  return follow(layer.initializer, []);
}
