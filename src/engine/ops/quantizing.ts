import { invariant } from '../errors';
import type { GraphBuilder } from '../graph/builder';
import { intAttribute } from '../graph/graph';
import { integerRange } from '../onnx/integerRange';
import { cast, indicator, mul, reshape, sub } from './emit';
import { normalizeAxis, type Op, type OpRule, type Site } from './rule';

/**
 * Quantized activations, straight through: values are the quantized model's own, and the derivative of a QuantizeLinear
 * with its DequantizeLinear is 1 where the value lies within the range that the integers can express, 0 where it is cut
 * off, as in PyTorch's fake_quantize. Between the two, the tangent of an integer is that of the number it stands for.
 */
function straightThrough(b: GraphBuilder, at: Site, t: string): string {
  const shape = at.shape(0);
  const { elemType } = at.typeOf(at.output());
  const range = integerRange[elemType];
  invariant(range, `QuantizeLinear node ${at.node.name} gives ${elemType}`);
  const laid = (i: number): string => {
    const own = at.shape(i);
    if (own.length === 0 || own[0] === 1) return at.input(i);
    const axis = normalizeAxis(intAttribute(at.node, 'axis', 1), shape.length);
    return reshape(
      b,
      at.input(i),
      own,
      shape.map((d, k) => (k === axis ? d : 1)),
    );
  };
  const scale = laid(1);
  const shifted = (bound: number): string => {
    const steps = b.scalar(bound);
    return mul(b, scale, at.has(2) ? sub(b, steps, cast(b, laid(2), 'float32')) : steps);
  };
  // Half a step beyond the last integer is rounded back to it below, where that one is even, and not above.
  const isAbove = b.add('GreaterOrEqual', [at.input(0), shifted(range.least - 0.5)]);
  const isBelow = b.add('Less', [at.input(0), shifted(range.most + 0.5)]);
  return mul(b, t, indicator(b, b.add('And', [isAbove, isBelow])));
}

const QuantizeLinear: OpRule = {
  linearity: 'piecewise',
  constantInputs: [1, 2],
  covers: node => intAttribute(node, 'block_size', 0) === 0,
  jvp: (b, at, [t]) => [t ? straightThrough(b, at, t) : null],
  vjp: (b, at, [g]) => [g ? straightThrough(b, at, g) : null, null, null],
};

const DequantizeLinear: OpRule = {
  linearity: 'linear',
  constantInputs: [1, 2],
  jvp: (_b, _at, [t]) => [t],
  vjp: (_b, _at, [g]) => [g, null, null],
};

export const quantizing: Record<string, Op> = {
  QuantizeLinear,
  DequantizeLinear,
  'com.microsoft::QuantizeLinear': QuantizeLinear,
  'com.microsoft::DequantizeLinear': DequantizeLinear,
};
