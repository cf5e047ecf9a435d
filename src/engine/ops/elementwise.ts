import type { GraphBuilder } from '../graph/builder';
import { floatAttribute, stringAttribute } from '../graph/graph';
import { unary } from './combinators';
import { add, div, exp, indicator, mul, neg, scale, sub, unbroadcast } from './emit';
import type { Op, Site } from './rule';

/** Functions of one operand; each states its derivative at x, with y the result. */

const one = (b: GraphBuilder): string => b.scalar(1);
const square = (b: GraphBuilder, x: string): string => mul(b, x, x);
const choose = (b: GraphBuilder, condition: string, yes: string, no: string): string =>
  b.add('Where', [condition, yes, no]);

/** φ(x), the density of the standard normal distribution. */
const normalDensity = (b: GraphBuilder, x: string): string =>
  scale(b, exp(b, scale(b, square(b, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));

/** Φ(x), its distribution function. */
const normalDistribution = (b: GraphBuilder, x: string): string =>
  scale(b, add(b, one(b), b.add('Erf', [scale(b, x, Math.SQRT1_2)])), 0.5);

/** σ′ = σ(1 − σ) for a sigmoid's value. */
const sigmoidSlope = (b: GraphBuilder, s: string): string => mul(b, s, sub(b, one(b), s));

function geluSlope(b: GraphBuilder, x: string, _y: string, at: Site): string {
  if (stringAttribute(at.node, 'approximate', 'none') === 'tanh') {
    // y = x σ(2u) with u = √(2/π)(x + 0.044715 x³), since ½(1 + tanh u) = σ(2u).
    const c = 2 * Math.sqrt(2 / Math.PI);
    const cubic = mul(b, x, add(b, one(b), scale(b, square(b, x), 0.044715)));
    const s = b.add('Sigmoid', [scale(b, cubic, c)]);
    const slope = scale(b, add(b, one(b), scale(b, square(b, x), 3 * 0.044715)), c);
    return add(b, s, mul(b, mul(b, x, sigmoidSlope(b, s)), slope));
  }
  return add(b, normalDistribution(b, x), mul(b, x, normalDensity(b, x)));
}

/** 1 inside the cell in which `scaled + offset` lies strictly between 0 and 1. */
function ramp(b: GraphBuilder, at: Site, x: string): { inside: string; value: string; alpha: number } {
  const isSwish = at.node.opType === 'HardSwish';
  const alpha = isSwish ? 1 / 6 : floatAttribute(at.node, 'alpha', 0.2);
  const beta = isSwish ? 0.5 : floatAttribute(at.node, 'beta', 0.5);
  const value = b.add('HardSigmoid', [x], { alpha: { float: alpha }, beta: { float: beta } });
  const strictly = b.add('And', [b.add('Greater', [value, b.scalar(0)]), b.add('Less', [value, one(b)])]);
  return { inside: indicator(b, strictly), value, alpha };
}

/** 1 strictly between the bounds: at a bound it is 0, as for Relu at 0 and for PyTorch's ReLU6, which is exported as Clip. */
function clipSlope(b: GraphBuilder, x: string, _y: string, at: Site): string {
  const within = [
    ...(at.has(1) ? [b.add('Greater', [x, at.input(1)])] : []),
    ...(at.has(2) ? [b.add('Less', [x, at.input(2)])] : []),
  ];
  return within.length === 0
    ? one(b)
    : indicator(
        b,
        within.reduce((p, q) => b.add('And', [p, q])),
      );
}

export const elementwise: Record<string, Op> = {
  Neg: unary(b => b.scalar(-1), 'linear'),
  // The result's sign is 1 where the input is positive and 0 elsewhere.
  Relu: unary((b, _x, y) => b.add('Sign', [y]), 'piecewise'),
  LeakyRelu: unary(
    (b, x, _y, at) =>
      choose(b, b.add('Greater', [x, b.scalar(0)]), one(b), b.scalar(floatAttribute(at.node, 'alpha', 0.01))),
    'piecewise',
  ),
  ThresholdedRelu: unary(
    (b, x, _y, at) => indicator(b, b.add('Greater', [x, b.scalar(floatAttribute(at.node, 'alpha', 1))])),
    'piecewise',
  ),
  Clip: { ...unary(clipSlope, 'piecewise'), constantInputs: [1, 2] },
  // Zero between −λ and λ, and moved by the bias outside.
  Shrink: unary((b, x, _y, at) => {
    const lambda = b.scalar(floatAttribute(at.node, 'lambd', 0.5));
    return indicator(b, b.add('Greater', [b.add('Abs', [x]), lambda]));
  }, 'piecewise'),
  Abs: unary((b, x) => b.add('Sign', [x]), 'piecewise'),
  HardSigmoid: unary((b, x, _y, at) => {
    const { inside, alpha } = ramp(b, at, x);
    return scale(b, inside, alpha);
  }, 'piecewise'),
  // y = x h(x) with h the hard sigmoid: y′ = h + x h′.
  HardSwish: unary((b, x, _y, at) => {
    const { inside, value, alpha } = ramp(b, at, x);
    return add(b, value, mul(b, scale(b, x, alpha), inside));
  }),
  Sigmoid: unary((b, _x, y) => sigmoidSlope(b, y)),
  Erf: unary((b, x) => scale(b, exp(b, neg(b, square(b, x))), 2 / Math.sqrt(Math.PI))),
  Gelu: unary(geluSlope),
  Exp: unary((_b, _x, y) => y),
  Log: unary((b, x) => b.add('Reciprocal', [x])),
  Sqrt: unary((b, _x, y) => div(b, b.scalar(0.5), y)),
  Reciprocal: unary((b, _x, y) => neg(b, square(b, y))),
  Softplus: unary((b, x) => b.add('Sigmoid', [x])),
  Softsign: unary((b, x) => b.add('Reciprocal', [square(b, add(b, one(b), b.add('Abs', [x])))])),
  Elu: unary((b, x, y, at) => {
    const alpha = floatAttribute(at.node, 'alpha', 1);
    return choose(b, b.add('Greater', [x, b.scalar(0)]), one(b), add(b, y, b.scalar(alpha)));
  }),
  Selu: unary((b, x, y, at) => {
    const alpha = floatAttribute(at.node, 'alpha', 1.67326319217681884765625);
    const gamma = floatAttribute(at.node, 'gamma', 1.05070102214813232421875);
    return choose(b, b.add('Greater', [x, b.scalar(0)]), b.scalar(gamma), add(b, y, b.scalar(alpha * gamma)));
  }),
  // y = α(exp(x/α) − 1) below zero.
  Celu: unary((b, x, y, at) => {
    const alpha = floatAttribute(at.node, 'alpha', 1);
    return choose(b, b.add('Greater', [x, b.scalar(0)]), one(b), add(b, scale(b, y, 1 / alpha), one(b)));
  }),
  // y = x t with t = tanh(softplus(x)): y′ = t + x (1 − t²) σ(x).
  Mish: unary((b, x) => {
    const t = b.add('Tanh', [b.add('Softplus', [x])]);
    return add(b, t, mul(b, mul(b, x, sub(b, one(b), square(b, t))), b.add('Sigmoid', [x])));
  }),
  PRelu: {
    linearity: 'nonlinear',
    jvp: (b, at, [tx, ts]) => {
      const { slope, negative } = prelu(b, at);
      const terms = [tx ? mul(b, tx, slope) : null, ts ? mul(b, ts, negative) : null].filter(t => t !== null);
      return [terms.reduce((x, y) => add(b, x, y))];
    },
    vjp: (b, at, [g], needs) => {
      const { slope, negative } = prelu(b, at);
      return [
        needs[0] ? mul(b, g!, slope) : null,
        needs[1] ? unbroadcast(b, mul(b, g!, negative), at.outShape(), at.shape(1)) : null,
      ];
    },
  },
};

/** PRelu's derivatives: by x, and by the slope (x where it is negative). */
function prelu(b: GraphBuilder, at: Site): { slope: string; negative: string } {
  const [x, s] = [at.input(0), at.input(1)];
  const isNegative = b.add('Less', [x, b.scalar(0)]);
  return { slope: choose(b, isNegative, s, one(b)), negative: choose(b, isNegative, x, b.scalar(0)) };
}
