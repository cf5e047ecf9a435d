import type { NodeProto } from 'onnx-buf';
import type { Layer } from '../curvature/layers';
import { isStandard } from '../graph/fromProto';
import { elemTypeOf } from '../onnx/tensor';
import type { Definitions, Place, Reader } from './definitions';

const intOf = (node: NodeProto, name: string, otherwise: number): number =>
  Number(node.attribute.find(a => a.name === name)?.i ?? otherwise);
const floatOf = (node: NodeProto, name: string, otherwise: number): number =>
  node.attribute.find(a => a.name === name)?.f ?? otherwise;

const isProduct = ({ node, input }: Reader): boolean =>
  isStandard(node.domain) && input === 1 && (node.opType === 'MatMul' || node.opType === 'Gemm');

/** Whether a node reads its matrix as [N, K], rows for outputs. */
const readsTransposed = ({ node }: Reader): boolean =>
  node.opType === 'Gemm' && intOf(node, 'transB', 0) === 1;

/** Gemm is a plain product, plus a term that an Add can add, where nothing is scaled and A is as it is. */
const isPlain = ({ node }: Reader): boolean =>
  node.opType === 'MatMul' ||
  (intOf(node, 'transA', 0) === 0 &&
    floatOf(node, 'alpha', 1) === 1 &&
    ((node.input[2] ?? '') === '' || floatOf(node, 'beta', 1) === 1));

/** How MatMulNBits can take a weight: which axis is summed over, and the nodes that it replaces. */
export interface MatrixUse {
  readonly summedAxis: 0 | 1;
  readonly readers: readonly Reader[];
}

/** The use of a weight in matrix products alone, or in words why MatMulNBits can't take it. */
export function matrixUse(layer: Layer, place: Place, { readers, outputs }: Definitions): MatrixUse | string {
  const uses = readers.get(layer.initializer) ?? [];
  const type = elemTypeOf(place.tensor.dataType);
  if (layer.shape.length !== 2) return 'MatMulNBits takes matrices only';
  if (type !== 'float32' && type !== 'float16') return `MatMulNBits takes no ${type ?? 'such'} weights`;
  if (!uses.every(isProduct) || outputs.has(layer.initializer))
    return 'MatMulNBits takes only the second operand of MatMul and Gemm';
  if (!uses.every(isPlain)) return 'MatMulNBits can neither scale a product nor transpose its first operand';
  const transposed = uses.map(readsTransposed);
  if (new Set(transposed).size > 1) return 'it is read transposed and as it is';
  return { summedAxis: transposed[0] ? 1 : 0, readers: uses };
}

/**
 * ONNX Runtime 1.30 makes MatMulNBits of a DequantizeLinear before a product, and misreads matrices in 2 bits whose rows don't
 * end with a byte.
 */
export function misreadInTwoBits({ shape, initializer }: Layer, { readers }: Definitions): boolean {
  const isSafe = (r: Reader): boolean =>
    r.node.opType === 'Gather' || r.node.opType.startsWith('Conv') || readsTransposed(r);
  return shape[shape.length - 1] % 4 !== 0 && !(readers.get(initializer) ?? []).every(isSafe);
}

/** The axis along which blocks lie: the one that is summed over, or of an embedding the vector's; none in a convolution. */
export function blockAxis({ channelAxis, shape, opType }: Layer): number | undefined {
  const [last, before] = [shape.length - 1, shape.length - 2];
  if (opType.includes('Conv')) return undefined;
  if (channelAxis === last) return before;
  return channelAxis === before ? last : undefined;
}
