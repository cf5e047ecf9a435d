import type { GraphBuilder } from '../graph/builder';
import { floatAttribute, intAttribute, intsAttribute } from '../graph/graph';
import { float32Tensor, numElements } from '../onnx/tensor';
import type { Canonical } from './canonicalForm';
import { div, mul, reduceSum } from './emit';
import { convAttributes, geometryOf } from './geometry';
import { normalizeAxis, type Site } from './rule';

/** p-norms over windows, over planes and along an axis. */

/** |x|^p */
function magnitudes(b: GraphBuilder, x: string, p: number): string {
  if (p === 2) return mul(b, x, x);
  const size = b.add('Abs', [x]);
  return p === 1 ? size : b.add('Pow', [size, b.scalar(p)]);
}

/** s^(1/p), never quite zero: there the root has no derivative, and a norm would be divided by. */
function root(b: GraphBuilder, s: string, p: number): string {
  const positive = b.add('Clip', [s, b.scalar(1e-37), '']);
  if (p === 1) return positive;
  return p === 2 ? b.add('Sqrt', [positive]) : b.add('Pow', [positive, b.scalar(1 / p)]);
}

/** The exponent; an integer since operator set 2, a float before. */
const exponent = (at: Site): number => intAttribute(at.node, 'p', floatAttribute(at.node, 'p', 2));

/** Sums over windows are a depthwise convolution with ones, which takes every padding and dilation. */
export const LpPool: Canonical = (b, at) => {
  const p = exponent(at);
  const kernel = intsAttribute(at.node, 'kernel_shape')!;
  const [channels, ...input] = at.shape(0).slice(1) as [number, ...number[]];
  const geometry = geometryOf(at.node, kernel, input, at.outShape().slice(2));
  const ones = new Float32Array(channels * numElements(kernel)).fill(1);
  const kernels = b.constant(float32Tensor([channels, 1, ...kernel], ones), 'ones');
  const sums = b.add('Conv', [magnitudes(b, at.input(0), p), kernels], convAttributes(geometry, channels));
  return [root(b, sums, p)];
};

export const GlobalLpPool: Canonical = (b, at) => {
  const p = exponent(at);
  const axes = at.shape(0).map((_, i) => i);
  return [root(b, reduceSum(b, magnitudes(b, at.input(0), p), axes.slice(2), true), p)];
};

/** x/‖x‖_p along an axis. */
export const LpNormalization: Canonical = (b, at) => {
  const p = intAttribute(at.node, 'p', 2);
  const axis = normalizeAxis(intAttribute(at.node, 'axis', -1), at.shape(0).length);
  return [div(b, at.input(0), root(b, reduceSum(b, magnitudes(b, at.input(0), p), [axis], true), p))];
};
