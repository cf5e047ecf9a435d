import type { Types } from '../graph/builder';
import { consumersOf, type Graph, intsAttribute, type Node } from '../graph/graph';

/**
 * The graph with (AᵀB)ᵀ as BᵀA, also where several such products are added: derivatives by weights that the model transposes before it uses
 * them. ONNX Runtime reads a transposed operand where it lies, and copies a transposed result.
 */
export function withTransposedProducts(graph: Graph, types: Types): Graph {
  const makers = new Map(graph.nodes.flatMap(n => n.outputs.map(o => [o, n] as const)));
  const consumers = consumersOf(graph.nodes);
  const given = new Set(graph.outputs);
  const shapeOf = (value: string): string | undefined => types.get(value)?.shape.join();
  const isMatrix = (value: string): boolean => types.get(value)?.shape.length === 2;
  const makerOf = (value: string, opType: string): Node | undefined => {
    const maker = makers.get(value);
    if (maker?.opType !== opType || maker.domain !== '' || !isMatrix(value)) return undefined;
    // A Transpose may leave everything where it is.
    return intsAttribute(maker, 'perm')?.[0] === 0 ? undefined : maker;
  };
  const isOwn = (value: string): boolean => consumers.get(value)?.length === 1 && !given.has(value);
  const named = (name: string, node: Node, inputs: readonly string[]): Node => ({
    ...node,
    ...{ name, inputs, outputs: [name] },
  });
  /** Nodes that make a matrix transposed, the last of them the result; undefined where that would take a Transpose more. */
  const turned = (value: string): readonly Node[] | undefined =>
    isOwn(value) ? (turnedProduct(value) ?? turnedSum(value)) : undefined;
  const turnedProduct = (value: string): readonly Node[] | undefined => {
    const product = makerOf(value, 'MatMul');
    const left = product && makerOf(product.inputs[0], 'Transpose');
    if (!left || !isMatrix(product.inputs[1])) return undefined;
    const right = named(`${value}/right`, left, [product.inputs[1]]);
    return [right, named(`${value}/turned`, product, [right.name, left.inputs[0]])];
  };
  const turnedSum = (value: string): readonly Node[] | undefined => {
    const sum = makerOf(value, 'Add');
    // Terms of other shapes would be broadcast along the other axis.
    if (!sum || sum.inputs[0] === sum.inputs[1] || sum.inputs.some(t => shapeOf(t) !== shapeOf(value)))
      return undefined;
    const [first, second] = sum.inputs.map(turned);
    if (!first || !second) return undefined;
    const terms = [first, second].map(nodes => nodes.at(-1)!.name);
    return [...first, ...second, named(`${value}/turned`, sum, terms)];
  };
  const nodes = graph.nodes.flatMap((node): readonly Node[] => {
    const made = makerOf(node.outputs[0], 'Transpose') === node ? turned(node.inputs[0]) : undefined;
    return made ? [...made.slice(0, -1), { ...made.at(-1)!, outputs: node.outputs }] : [node];
  });
  return { ...graph, nodes };
}
