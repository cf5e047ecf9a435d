import type { GraphBuilder } from '../graph/builder';
import { intAttribute, intsAttribute } from '../graph/graph';
import { numElements } from '../onnx/tensor';
import { div, exp, expand, indicator, mul, neg, reduceSum, reshape, scale, sub } from './emit';
import { type Linearity, normalizeAxis, type Op, type Site } from './rule';

/** Reductions over axes that are given as the second input, before upgrading as an attribute; all where there are none. */

export function reducedAxes(at: Site): number[] {
  const rank = at.shape(0).length;
  const listed = at.has(1) ? at.numbers(1) : (intsAttribute(at.node, 'axes') ?? []);
  if (listed.length > 0) return listed.map(a => normalizeAxis(a, rank));
  return intAttribute(at.node, 'noop_with_empty_axes', 0) === 1 ? [] : at.shape(0).map((_, i) => i);
}

/** The shape of the result with reduced axes kept as 1. */
const keptShape = (at: Site): number[] => {
  const axes = reducedAxes(at);
  return at.shape(0).map((d, i) => (axes.includes(i) ? 1 : d));
};

/**
 * A value of the result's shape with the reduced axes back in place, ready to broadcast against the operand.
 */
const kept = (b: GraphBuilder, at: Site, v: string): string => reshape(b, v, at.outShape(), keptShape(at));

const reducedCount = (at: Site): number => numElements(reducedAxes(at).map(i => at.shape(0)[i]));

/** y = Σ f(x): given by ∂y/∂x of the operand's shape, or null where it is 1 everywhere. */
function reduction(
  linearity: Linearity,
  partial: ((b: GraphBuilder, at: Site) => string) | null,
  factor: (at: Site) => number = () => 1,
): Op {
  return {
    linearity,
    constantInputs: [1],
    jvp: (b, at, [t]) => {
      if (!t) return [null];
      const sum = reduceSum(b, partial ? mul(b, t, partial(b, at)) : t, reducedAxes(at), true);
      return [reshape(b, scale(b, sum, factor(at)), keptShape(at), at.outShape())];
    },
    vjp: (b, at, [g]) => {
      if (!g) return [null];
      const whole = kept(b, at, g);
      if (partial) return [mul(b, whole, partial(b, at)), null];
      return [expand(b, scale(b, whole, factor(at)), keptShape(at), at.shape(0)), null];
    },
  };
}

/** Where several elements attain the extreme, each gets an equal part, as PyTorch's amax does it. */
function attained(b: GraphBuilder, at: Site): string {
  const mask = indicator(b, b.add('Equal', [at.input(0), kept(b, at, at.output())]));
  return div(b, mask, reduceSum(b, mask, reducedAxes(at), true));
}

/** x/‖x‖; where all is zero, zero, as PyTorch has it, since a norm has no derivative there. */
function direction(b: GraphBuilder, at: Site): string {
  const norm = kept(b, at, at.output());
  const isPositive = b.add('Greater', [norm, b.scalar(0)]);
  return div(b, at.input(0), b.add('Where', [isPositive, norm, b.scalar(1e30)]));
}

const extreme = reduction('piecewise', attained);

export const reductions: Record<string, Op> = {
  ReduceSum: reduction('linear', null),
  ReduceMean: reduction('linear', null, at => 1 / reducedCount(at)),
  ReduceMax: extreme,
  ReduceMin: extreme,
  ReduceL1: reduction('piecewise', (b, at) => b.add('Sign', [at.input(0)])),
  ReduceL2: reduction('nonlinear', direction),
  ReduceSumSquare: reduction('nonlinear', (b, at) => scale(b, at.input(0), 2)),
  ReduceLogSum: reduction('nonlinear', (b, at) =>
    expand(b, exp(b, neg(b, kept(b, at, at.output()))), keptShape(at), at.shape(0)),
  ),
  ReduceLogSumExp: reduction('nonlinear', (b, at) => exp(b, sub(b, at.input(0), kept(b, at, at.output())))),
};
