import type { GraphBuilder } from '../graph/builder';
import { add, mul, reduceMean, sub } from './emit';

/** 1/√(v + ε) */
export const inverseDeviation = (b: GraphBuilder, variance: string, epsilon: number): string =>
  b.add('Reciprocal', [b.add('Sqrt', [add(b, variance, b.scalar(epsilon))])]);

/** (x − mean)/√(var + ε) over `axes`, and what it is made of, with these axes kept as 1. */
export function standardized(
  b: GraphBuilder,
  x: string,
  axes: readonly number[],
  epsilon: number,
): { normal: string; mean: string; inverse: string } {
  const mean = reduceMean(b, x, axes);
  const centred = sub(b, x, mean);
  const inverse = inverseDeviation(b, reduceMean(b, mul(b, centred, centred), axes), epsilon);
  return { normal: mul(b, centred, inverse), mean, inverse };
}

/** γ x̂ + β with x̂ = x standardized over its last axis. */
export function layerNormalized(
  b: GraphBuilder,
  x: string,
  rank: number,
  [gamma, beta]: readonly (string | undefined)[],
  epsilon: number,
): string {
  const scaled = mul(b, standardized(b, x, [rank - 1], epsilon).normal, gamma!);
  return beta === undefined ? scaled : add(b, scaled, beta);
}
