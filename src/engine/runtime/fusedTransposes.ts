import type { Types } from '../graph/builder';
import { type Graph, type Node, swapsLast } from '../graph/graph';
import { dependents } from '../graph/topology';
import { FUSED_DOMAIN } from './turned';

/**
 * The graph with products that read their operands transposed where they lie. ONNX Runtime's optimizer does the same, but puts such products
 * behind all others, whose order is then no longer the graph's (`earlyResults.ts`). What is constant it transposes beforehand; integers
 * have no such product.
 */
export function withFusedTransposes(graph: Graph, types: Types): Graph {
  const makers = new Map(graph.nodes.flatMap(n => n.outputs.map(o => [o, n] as const)));
  const varies = dependents(
    graph.nodes,
    graph.inputs.map(i => i.name),
  );
  const isVector = (value: string): boolean => types.get(value)?.shape.length === 1;
  // What a rewriting before this one made has no type; the product's other operand then has one.
  const isOther = (value: string): boolean => (types.get(value)?.elemType ?? 'float32') !== 'float32';
  /** What a value is made from by Transposes, and whether it lies transposed there. */
  const source = (value: string, isTransposed = false): { value: string; isTransposed: boolean } => {
    const maker = varies.has(value) ? makers.get(value) : undefined;
    return maker && swapsLast(maker) ? source(maker.inputs[0], !isTransposed) : { value, isTransposed };
  };
  const fused = (node: Node): Node => {
    if (node.opType !== 'MatMul' || node.domain !== '' || node.inputs.some(isVector)) return node;
    if (node.inputs.some(isOther)) return node;
    const sources = node.inputs.map(v => source(v));
    const inputs = sources.map(s => s.value);
    if (sources.every(s => !s.isTransposed)) return { ...node, inputs };
    const [transA, transB] = sources.map(s => ({ int: s.isTransposed ? 1 : 0 }));
    return { ...node, opType: 'FusedMatMul', domain: FUSED_DOMAIN, inputs, attributes: { transA, transB } };
  };
  return { ...graph, nodes: graph.nodes.map(fused) };
}
