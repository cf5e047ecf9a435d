import type { GraphBuilder } from '../graph/builder';
import { add, broadcastShape, expand, mul, reshape, unbroadcast } from './emit';
import type { Derivative, Linearity, OpRule, Site } from './rule';

/** A scalar function of one operand, given by its derivative at `x` with `y` the result. */
export function unary(
  partial: (b: GraphBuilder, x: string, y: string, at: Site) => string,
  linearity: Linearity = 'nonlinear',
): OpRule {
  const times = (b: GraphBuilder, at: Site, d: Derivative): readonly Derivative[] => [
    d === null ? null : mul(b, d, partial(b, at.input(0), at.output(), at)),
  ];
  return {
    linearity,
    isPointwise: true,
    jvp: (b, at, [t]) => times(b, at, t),
    vjp: (b, at, [g]) => times(b, at, g),
  };
}

/** The partial derivative of a broadcasting operator by one operand, times a tangent or cotangent `d`. */
export type Partial = (b: GraphBuilder, at: Site, d: string) => string;

/**
 * A scalar function of several operands that broadcast against each other: one partial derivative per
 * operand.
 */
export function broadcasting(
  linearity: Linearity,
  partials: readonly Partial[] | ((i: number) => Partial),
): OpRule {
  const partialOf = (i: number): Partial | undefined =>
    typeof partials === 'function' ? partials(i) : partials[i];
  return {
    linearity,
    isPointwise: true,
    jvp: (b, at, tangents) => {
      const terms = tangents.flatMap((t, i) =>
        t === null ? [] : [{ value: partialOf(i)!(b, at, t), operand: i }],
      );
      const sum = terms.map(t => t.value).reduce((x, y) => add(b, x, y));
      // Where the operator is linear, the partial leaves each tangent at its operand's shape; elsewhere it
      // broadcasts.
      const shape =
        linearity === 'linear' ? broadcastShape(...terms.map(t => at.shape(t.operand))) : at.outShape();
      return [expand(b, sum, shape, at.outShape())];
    },
    vjp: (b, at, [g], needs) =>
      needs.map((needed, i) =>
        needed && g ? unbroadcast(b, partialOf(i)!(b, at, g), at.outShape(), at.shape(i)) : null,
      ),
  };
}

/** Moves elements without changing their number or order: Reshape, Flatten, Squeeze, Unsqueeze, Identity. */
export const reshaping: OpRule = {
  linearity: 'linear',
  jvp: (b, at, [t]) => [t ? reshape(b, t, at.shape(0), at.outShape()) : null],
  vjp: (b, at, [g]) => [g ? reshape(b, g, at.outShape(), at.shape(0)) : null],
  constantInputs: [1],
};

/**
 * Linear in its first operand alone, the others being fixed: the tangent goes through the operator itself.
 */
export function linear(
  transposed: (b: GraphBuilder, at: Site, g: string) => string,
  constantInputs: readonly number[] = [1, 2, 3, 4],
): OpRule {
  return {
    linearity: 'linear',
    jvp: (b, at, [t]) => [t ? applied(b, at, t) : null],
    vjp: (b, at, [g]) => [g ? transposed(b, at, g) : null],
    constantInputs,
  };
}

/** The node's own operator with `x` in place of its operand `i`. */
export function applied(b: GraphBuilder, at: Site, x: string, i = 0): string {
  return b.add(
    at.node.opType,
    at.node.inputs.map((name, k) => (k === i ? x : name)),
    at.node.attributes,
  );
}
