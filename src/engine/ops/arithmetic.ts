import type { GraphBuilder } from '../graph/builder';
import { broadcasting, type Partial } from './combinators';
import { add, broadcastShape, cast, div, expand, indicator, mul, neg, scale, sub, unbroadcast } from './emit';
import type { Op, Site } from './rule';

/** Operators of several operands that broadcast against each other. */

const same: Partial = (_b, _at, d) => d;

/**
 * The share of the result's derivative that operand i of Max or Min gets: equal parts where several attain
 * it.
 */
function shareOfExtreme(b: GraphBuilder, at: Site, i: number): string {
  const attains = (k: number): string => indicator(b, b.add('Equal', [at.input(k), at.output()]));
  const count = at.node.inputs.map((_, k) => attains(k)).reduce((x, y) => add(b, x, y));
  return div(b, attains(i), count);
}

const extreme: Op = broadcasting('piecewise', i => (b, at, d) => mul(b, d, shareOfExtreme(b, at, i)));

/** x^(p−1), by multiplication where p is a small integer: Pow is slow and loses the sign of zero. */
function powerBelow(b: GraphBuilder, at: Site): string {
  const [x, p] = [at.input(0), at.input(1)];
  const constant = at.constant(1);
  if (constant?.data.length === 1) {
    const value = Number(constant.data[0]);
    if (value === 2) return x;
    if (value === 3) return mul(b, x, x);
    if (value === 0.5) return b.add('Reciprocal', [at.output()]);
  }
  return b.add('Pow', [x, sub(b, floating(b, at, p), b.scalar(1))]);
}

/** Pow takes integer exponents too, which no rule can multiply with. */
const floating = (b: GraphBuilder, at: Site, p: string): string =>
  at.isFloatInput(1) ? p : cast(b, p, 'float32');

const byBase: Partial = (b, at, d) => mul(b, mul(b, d, floating(b, at, at.input(1))), powerBelow(b, at));
const byExponent: Partial = (b, at, d) => mul(b, d, mul(b, at.output(), b.add('Log', [at.input(0)])));

/** x mod y = x − y k with k = round((x − x mod y)/y), constant between jumps; of floats only. */
const wholeParts: Partial = (b, at, d) => {
  const quotient = div(b, sub(b, at.input(0), at.output()), at.input(1));
  return neg(b, mul(b, d, b.add('Round', [quotient])));
};

/** Where(condition, x, y): the condition carries no derivative. */
const where: Op = {
  linearity: 'linear',
  constantInputs: [0],
  jvp: (b, at, [, tx, ty]) => {
    const zero = b.scalar(0);
    const chosen = b.add('Where', [at.input(0), tx ?? zero, ty ?? zero]);
    const shape = broadcastShape(at.shape(0), tx ? at.shape(1) : [], ty ? at.shape(2) : []);
    return [expand(b, chosen, shape, at.outShape())];
  },
  vjp: (b, at, [g], needs) => {
    const [condition, zero] = [at.input(0), b.scalar(0)];
    const back = (d: string, i: number): string => unbroadcast(b, d, at.outShape(), at.shape(i));
    return [
      null,
      needs[1] ? back(b.add('Where', [condition, g!, zero]), 1) : null,
      needs[2] ? back(b.add('Where', [condition, zero, g!]), 2) : null,
    ];
  },
};

const difference = broadcasting('linear', [same, (b, _at, d) => neg(b, d)]);

export const arithmetic: Record<string, Op> = {
  Add: broadcasting('linear', [same, same]),
  Sub: {
    ...difference,
    jvp: (b, at, [tx, ty]) => (tx && ty ? [sub(b, tx, ty)] : difference.jvp(b, at, [tx, ty])),
    // A sum over broadcast axes comes first, as it leaves less to negate.
    vjp: (b, at, [g], needs) => [
      needs[0] ? unbroadcast(b, g!, at.outShape(), at.shape(0)) : null,
      needs[1] ? neg(b, unbroadcast(b, g!, at.outShape(), at.shape(1))) : null,
    ],
  },
  Mul: broadcasting('multilinear', [
    (b, at, d) => mul(b, d, at.input(1)),
    (b, at, d) => mul(b, d, at.input(0)),
  ]),
  Div: broadcasting('nonlinear', [
    (b, at, d) => div(b, d, at.input(1)),
    (b, at, d) => neg(b, div(b, mul(b, d, at.output()), at.input(1))),
  ]),
  Pow: broadcasting('nonlinear', [byBase, byExponent]),
  Mod: broadcasting('piecewise', [(b, at, d) => expand(b, d, at.shape(0), at.outShape()), wholeParts]),
  Sum: broadcasting('linear', () => same),
  Mean: broadcasting('linear', () => (b, at, d) => scale(b, d, 1 / at.node.inputs.length)),
  Max: extreme,
  Min: extreme,
  Where: where,
};
