import type { GraphBuilder } from '../../graph/builder';
import { floatAttribute } from '../../graph/graph';
import type { Canonical } from '../canonicalForm';
import { add, mul, scale } from '../emit';

/** x Φ(x); the standard operator of this name is newer than the canonical operator set. */
const gelu = (b: GraphBuilder, x: string): string =>
  mul(b, x, scale(b, add(b, b.scalar(1), b.add('Erf', [scale(b, x, Math.SQRT1_2)])), 0.5));

export const Gelu: Canonical = (b, at) => [gelu(b, at.input(0))];

export const BiasGelu: Canonical = (b, at) => [gelu(b, add(b, at.input(0), at.input(1)))];

/** x σ(2u) with u = √(2/π)(x + 0.044715 x³), since ½(1 + tanh u) = σ(2u). */
export const FastGelu: Canonical = (b, at) => {
  const x = at.has(1) ? add(b, at.input(0), at.input(1)) : at.input(0);
  const cubic = mul(b, x, add(b, b.scalar(1), scale(b, mul(b, x, x), 0.044715)));
  return [mul(b, x, b.add('Sigmoid', [scale(b, cubic, 2 * Math.sqrt(2 / Math.PI))]))];
};

/** x σ(αx) */
export const QuickGelu: Canonical = (b, at) => [
  mul(b, at.input(0), b.add('Sigmoid', [scale(b, at.input(0), floatAttribute(at.node, 'alpha', 1.702))])),
];
