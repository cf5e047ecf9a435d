import type { GraphBuilder } from '../graph/builder';
import { elemTypeCode, type ElemType, numElements } from '../onnx/tensor';
import { type Derivative, sameShape } from './rule';

/** Short forms for the operators that rules emit most. */

/** Factors that are known scalars are multiplied with each other now. */
export function mul(b: GraphBuilder, x: string, y: string): string {
  const [p, q] = [scalarOf(b, x), scalarOf(b, y)];
  if (p !== undefined && q !== undefined) return b.scalar(p * q);
  if (p === 1) return y;
  if (q === 1) return x;
  return b.add('Mul', [x, y]);
}

/** The value of a constant of rank 0. */
function scalarOf(b: GraphBuilder, x: string): number | undefined {
  const tensor = b.constantOf(x);
  return tensor?.elemType === 'float32' && tensor.shape.length === 0 ? Number(tensor.data[0]) : undefined;
}

export const add = (b: GraphBuilder, x: string, y: string): string => b.add('Add', [x, y]);
export const sub = (b: GraphBuilder, x: string, y: string): string => b.add('Sub', [x, y]);
export const div = (b: GraphBuilder, x: string, y: string): string => b.add('Div', [x, y]);
export function neg(b: GraphBuilder, x: string): string {
  const value = scalarOf(b, x);
  return value === undefined ? b.add('Neg', [x]) : b.scalar(-value);
}
export const exp = (b: GraphBuilder, x: string): string => b.add('Exp', [x]);
export const matmul = (b: GraphBuilder, x: string, y: string): string => b.add('MatMul', [x, y]);

export const scale = (b: GraphBuilder, x: string, factor: number): string =>
  factor === 1 ? x : mul(b, x, b.scalar(factor));

export const transpose = (b: GraphBuilder, x: string, perm: readonly number[]): string =>
  perm.every((p, i) => p === i) ? x : b.add('Transpose', [x], { perm: { ints: perm } });

/** Swaps the last two axes. */
export function transposeLast(b: GraphBuilder, x: string, rank: number): string {
  const perm = Array.from({ length: rank }, (_, i) => i);
  [perm[rank - 2], perm[rank - 1]] = [rank - 1, rank - 2];
  return transpose(b, x, perm);
}

export const reshape = (b: GraphBuilder, x: string, from: readonly number[], to: readonly number[]): string =>
  // allowzero lets dimensions of size 0 stand for themselves.
  sameShape(from, to)
    ? x
    : b.add('Reshape', [x, b.ints(to)], to.includes(0) ? { allowzero: { int: 1 } } : {});

export const expand = (b: GraphBuilder, x: string, from: readonly number[], to: readonly number[]): string =>
  sameShape(from, to) ? x : b.add('Expand', [x, b.ints(to)]);

export const reduceSum = (b: GraphBuilder, x: string, axes: readonly number[], keepdims: boolean): string =>
  axes.length === 0 ? x : b.add('ReduceSum', [x, b.ints(axes)], { keepdims: { int: keepdims ? 1 : 0 } });

export const reduceMean = (b: GraphBuilder, x: string, axes: readonly number[]): string =>
  b.add('ReduceMean', [x, b.ints(axes)], { keepdims: { int: 1 } });

/** In float32, a sum of many more numbers of one sign loses digits: 3e-3 of it at 23 million squares, by what is too small beside it. */
const ADDED_AT_ONCE = 1 << 16;

/** Sum over everything, a scalar of rank 0; of many numbers, over the last axes first. */
export function sumAll(b: GraphBuilder, x: string, shape: readonly number[]): string {
  const rows = reduceSum(b, x, innerAxes(shape), false);
  return b.add('ReduceSum', [rows], { keepdims: { int: 0 } });
}

/** The last axes that `sumAll` adds up first, the last one at least; none where everything is little. */
export function innerAxes(shape: readonly number[]): number[] {
  if (numElements(shape) <= ADDED_AT_ONCE) return [];
  const axes = shape.map((_, i) => i);
  return axes.filter(i => i === shape.length - 1 || (i > 0 && numElements(shape.slice(i)) <= ADDED_AT_ONCE));
}

export const cast = (b: GraphBuilder, x: string, to: ElemType): string =>
  b.add('Cast', [x], { to: { int: elemTypeCode(to) } });

export const zeros = (b: GraphBuilder, shape: readonly number[]): string => expand(b, b.scalar(0), [], shape);

/** 1 where the boolean `condition` holds, else 0. */
export const indicator = (b: GraphBuilder, condition: string): string => cast(b, condition, 'float32');

/** The sum of derivatives of equal shape; zeros drop out, and what is expanded broadcasts instead. */
export function sumDerivatives(b: GraphBuilder, terms: readonly Derivative[]): Derivative {
  const whole = terms.filter(t => t !== null);
  if (whole.length <= 1) return whole[0] ?? null;
  const unexpanded = (t: string): string => {
    const maker = b.makerOf(t);
    return maker?.opType === 'Expand' ? maker.inputs[0] : t;
  };
  const broadcast = whole.map(unexpanded);
  const present = whole.some((t, i) => t === broadcast[i]) ? broadcast : whole;
  return present.length === 2 ? add(b, present[0], present[1]) : b.add('Sum', present);
}

/** Sums a cotangent of a broadcast result back to its operand's shape. */
export function unbroadcast(
  b: GraphBuilder,
  g: string,
  from: readonly number[],
  to: readonly number[],
): string {
  if (sameShape(from, to)) return g;
  const lead = from.length - to.length;
  const axes = from.map((_, i) => i).filter(i => i < lead || (to[i - lead] === 1 && from[i] !== 1));
  const summed = reduceSum(b, g, axes, true);
  const kept = from.map((d, i) => (axes.includes(i) ? 1 : d));
  return reshape(b, summed, kept, to);
}

/** The shape that operands broadcast to. */
export function broadcastShape(...shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(0, ...shapes.map(s => s.length));
  return Array.from({ length: rank }, (_, i) => {
    const dims = shapes.map(s => s[i - rank + s.length] ?? 1);
    return dims.find(d => d !== 1) ?? 1;
  });
}
