import type { GraphBuilder } from '../graph/builder';
import { unary } from './combinators';
import { add, mul, neg, sub } from './emit';
import type { Op } from './rule';

/** Circular and hyperbolic functions and their inverses. */

const square = (b: GraphBuilder, x: string): string => mul(b, x, x);
const one = (b: GraphBuilder): string => b.scalar(1);
const inverse = (b: GraphBuilder, x: string): string => b.add('Reciprocal', [x]);
const inverseRoot = (b: GraphBuilder, x: string): string => inverse(b, b.add('Sqrt', [x]));

export const trigonometry: Record<string, Op> = {
  Sin: unary((b, x) => b.add('Cos', [x])),
  Cos: unary((b, x) => neg(b, b.add('Sin', [x]))),
  Tan: unary((b, _x, y) => add(b, one(b), square(b, y))),
  Asin: unary((b, x) => inverseRoot(b, sub(b, one(b), square(b, x)))),
  Acos: unary((b, x) => neg(b, inverseRoot(b, sub(b, one(b), square(b, x))))),
  Atan: unary((b, x) => inverse(b, add(b, one(b), square(b, x)))),
  Sinh: unary((b, x) => b.add('Cosh', [x])),
  Cosh: unary((b, x) => b.add('Sinh', [x])),
  Tanh: unary((b, _x, y) => sub(b, one(b), square(b, y))),
  Asinh: unary((b, x) => inverseRoot(b, add(b, square(b, x), one(b)))),
  Acosh: unary((b, x) => inverseRoot(b, sub(b, square(b, x), one(b)))),
  Atanh: unary((b, x) => inverse(b, sub(b, one(b), square(b, x)))),
};
