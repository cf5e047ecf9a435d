import { GraphBuilder, type Types } from '../graph/builder';
import { consumersOf, type Graph, type Node } from '../graph/graph';
import { numElements } from '../onnx/tensor';
import { mul, reduceSum, reshape, scale, sumDerivatives } from '../ops/emit';
import { gemmAttributes } from '../ops/linalg';
import { Site } from '../ops/rule';
import type { Prepared } from '../runtime/prepare';
import type { Layer } from './layers';
import { usesOf } from './uses';

export const outputErrorName = (layer: number): string => `curvature/output_error_${layer}`;
/** Takes the squares of a layer's weight errors. */
export const squaredErrorInput = (layer: Layer): string => `${layer.initializer}/squared_error`;

/**
 * Σ_ij x_j² δ_ij² of each sample, summed over its rows (positions), for every layer whose uses are linear in its weight. It is the
 * layer's own operator, applied to the squares of its input and of its weight's error, which serves convolutions of all kinds
 * and embeddings alike.
 * @returns rows of one sample by layer; undefined for a layer that is used otherwise, and has no output here
 */
export function outputErrorGraph(
  { graph, types }: Prepared,
  layers: readonly Layer[],
  samples: number,
): { graph: Graph; rows: (number | undefined)[] } {
  const consumers = consumersOf(graph.nodes);
  const b = new GraphBuilder(graph, types);
  const outputs: string[] = [];
  const rows = layers.map((layer, l) => {
    const uses = usesOf(layer, consumers);
    const rowsOf = uses.map(({ node, operand }) => rowsOfSample(node, operand, types, samples));
    if (rowsOf.length === 0 || rowsOf.includes(undefined)) return undefined;
    const squares = b.input({ name: squaredErrorInput(layer), elemType: 'float32', shape: layer.shape });
    const parts = uses.map(({ node, operand, path }) => {
      const weight = path.reduce(
        (value, alias) => b.add(alias.opType, [value, ...alias.inputs.slice(1)], alias.attributes),
        squares,
      );
      const at = new Site(node, types, b);
      const errors = squaredOutput(b, at, operand, weight);
      const laid = reshape(b, errors, at.outShape(), [samples, numElements(at.outShape()) / samples]);
      return reduceSum(b, laid, [1], false);
    });
    b.alias(sumDerivatives(b, parts)!, outputErrorName(l));
    outputs.push(outputErrorName(l));
    return rowsOf.reduce<number>((sum, r) => sum + r!, 0);
  });
  return { graph: b.build(outputs), rows };
}

/** How often a sample multiplies the weight: the elements of the result over those that one row of it has. */
function rowsOfSample(node: Node, operand: number, types: Types, samples: number): number | undefined {
  const out = types.get(node.outputs[0])?.shape;
  if (out === undefined || out.length < 2 || out[0] % samples !== 0) return undefined;
  const width = widthOf(node, operand, out, types.get(node.inputs[operand])!.shape);
  return width === undefined ? undefined : numElements(out) / samples / width;
}

function widthOf(
  { opType, domain }: Node,
  operand: number,
  out: readonly number[],
  weight: readonly number[],
): number | undefined {
  if (domain !== '') return undefined;
  switch (opType) {
    case 'Conv':
    case 'ConvTranspose':
      return operand === 1 ? out[1] : undefined;
    case 'Gemm':
      return operand === 1 ? out[1] : undefined;
    case 'MatMul':
      return out[out.length - (operand === 1 ? 1 : 2)];
    case 'Gather':
      return operand === 0 ? numElements(weight.slice(1)) : undefined;
    default:
      return undefined;
  }
}

/** The operator without its bias, on squares. */
function squaredOutput(b: GraphBuilder, at: Site, operand: number, weight: string): string {
  const { opType, attributes, inputs } = at.node;
  if (opType === 'Gather') return b.add('Gather', [weight, inputs[1]], attributes);
  const other = inputs[1 - operand];
  const x = mul(b, other, other);
  const operands = operand === 1 ? [x, weight] : [weight, x];
  if (opType !== 'Gemm') return b.add(opType, operands, attributes);
  const { alpha, transA, transB } = gemmAttributes(at);
  const product = b.add('Gemm', operands, {
    transA: { int: Number(transA) },
    transB: { int: Number(transB) },
  });
  return scale(b, product, alpha * alpha);
}
