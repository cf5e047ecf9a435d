import type { GraphBuilder } from '../graph/builder';
import { intsAttribute, type Node } from '../graph/graph';
import { float32Tensor, numElements, type Tensor } from '../onnx/tensor';
import { reshape, transpose } from '../ops/emit';
import { turned } from './turned';

/**
 * Kernels of input gradients: w [O, C, taps] with its channels exchanged and its taps reversed, [C, O, taps]. Rules write
 * this as Slice and Transpose, whose kernels take longer on wide layers than the Conv itself.
 */

/**
 * The w that a Conv's kernel is made from by exchanging its first two axes and reversing all others; undefined where the kernel
 * is made otherwise.
 * @param shape of the kernel
 */
export function flippedFrom(
  kernel: string,
  shape: readonly number[],
  makers: ReadonlyMap<string, Node>,
  constants: ReadonlyMap<string, Tensor>,
): string | undefined {
  const exchange = makers.get(kernel);
  if (exchange?.opType !== 'Transpose') return undefined;
  const perm = intsAttribute(exchange, 'perm');
  if (perm?.join() !== [1, 0, ...shape.map((_, i) => i).slice(2)].join()) return undefined;
  const slice = makers.get(exchange.inputs[0]);
  if (slice?.opType !== 'Slice') return undefined;
  const [starts, ends, axes, steps] = slice.inputs
    .slice(1)
    .map(v => Array.from(constants.get(v)?.data ?? [], Number));
  const long = shape.map((_, i) => i).filter(i => i >= 2 && shape[i] > 1);
  const isReversal =
    axes?.join() === long.join() &&
    long.every((axis, i) => starts[i] === -1 && steps?.[i] === -1 && ends[i] < -shape[axis]);
  return isReversal ? slice.inputs[0] : undefined;
}

/**
 * The flipped kernel, its taps reversed by a product with a permutation matrix, which is vectorized.
 * @param shape of the result, [C, O, …]
 */
export function flipped(b: GraphBuilder, w: string, shape: readonly number[]): string {
  const [inputs, outputs, ...kernel] = shape as [number, number, ...number[]];
  const taps = numElements(kernel);
  const exchanged = transpose(b, reshape(b, w, [], [outputs, inputs, taps]), [1, 0, 2]);
  const rows = reshape(b, exchanged, [], [inputs * outputs, taps]);
  return reshape(b, b.add('MatMul', [rows, reversal(b, taps)]), [], shape);
}

/**
 * The flipped kernel in blocks, [C/block, O/block, taps, O in block, C in block]: whole rows of blocks are moved, and a product
 * turns each block and reverses its taps.
 * @param shape of w, [O, C, …]
 */
export function flippedInBlocks(
  b: GraphBuilder,
  w: string,
  shape: readonly number[],
  block: number,
  isFed: boolean,
): string {
  const [outputs, inputs, ...kernel] = shape as [number, number, ...number[]];
  const taps = numElements(kernel);
  const rows = transpose(b, reshape(b, w, [], [outputs, inputs / block, block * taps]), [1, 0, 2]);
  const blocks = reshape(b, rows, [], [(inputs / block) * (outputs / block), block * block, taps]);
  return reshape(b, turned(b, reversal(b, taps), blocks, 1, isFed), [], [inputs, outputs, ...kernel]);
}

function reversal(b: GraphBuilder, taps: number): string {
  const matrix = new Float32Array(taps * taps);
  for (let i = 0; i < taps; i++) matrix[i * taps + taps - 1 - i] = 1;
  return b.constant(float32Tensor([taps, taps], matrix), 'reversal');
}
