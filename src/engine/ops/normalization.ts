import type { GraphBuilder } from '../graph/builder';
import { floatAttribute, intAttribute } from '../graph/graph';
import { add, expand, mul, reduceMean, reduceSum, reshape, sub, sumDerivatives, unbroadcast } from './emit';
import { normalizeAxis, type Op, type Site } from './rule';

/** A vector of C channels laid along axis 1 of a tensor of the given rank. */
const alongChannels = (b: GraphBuilder, v: string, channels: number, rank: number): string =>
  reshape(b, v, [channels], [1, channels, ...Array<number>(rank - 2).fill(1)]);

/** 1/√(v + ε) */
const inverseDeviation = (b: GraphBuilder, variance: string, epsilon: number): string =>
  b.add('Reciprocal', [b.add('Sqrt', [add(b, variance, b.scalar(epsilon))])]);

/** y = γ (x − μ)/√(σ² + ε) + β with running statistics, which are no parameters: inference, not training. */
const BatchNormalization: Op = {
  linearity: 'multilinear',
  constantInputs: [3, 4],
  covers: node => intAttribute(node, 'training_mode', 0) === 0,
  jvp: (b, at, [tx, tg, tb]) => {
    const { channel, inverse, gamma, normalized } = batchNorm(b, at);
    return [
      sumDerivatives(b, [
        tx ? mul(b, tx, mul(b, gamma, inverse)) : null,
        tg ? mul(b, normalized(), channel(tg)) : null,
        tb
          ? expand(
              b,
              channel(tb),
              [
                1,
                ...at.shape(2),
                ...at
                  .outShape()
                  .slice(2)
                  .map(() => 1),
              ],
              at.outShape(),
            )
          : null,
      ]),
    ];
  },
  vjp: (b, at, [g], needs) => {
    const { inverse, gamma, normalized } = batchNorm(b, at);
    const axes = at
      .outShape()
      .map((_, i) => i)
      .filter(i => i !== 1);
    return [
      needs[0] ? mul(b, g!, mul(b, gamma, inverse)) : null,
      needs[1] ? reduceSum(b, mul(b, g!, normalized()), axes, false) : null,
      needs[2] ? reduceSum(b, g!, axes, false) : null,
      null,
      null,
    ];
  },
};

function batchNorm(b: GraphBuilder, at: Site) {
  const shape = at.shape(0);
  const channel = (v: string): string => alongChannels(b, v, shape[1], shape.length);
  const inverse = inverseDeviation(b, channel(at.input(4)), floatAttribute(at.node, 'epsilon', 1e-5));
  return {
    channel,
    inverse,
    gamma: channel(at.input(1)),
    normalized: (): string => mul(b, sub(b, at.input(0), channel(at.input(3))), inverse),
  };
}

/** y = γ x̂ + β with x̂ = (x − mean)/√(var + ε) over the last axes. */
const LayerNormalization: Op = {
  linearity: 'nonlinear',
  jvp: (b, at, [tx, tg, tb]) => {
    const { axes, inverse, normalized } = layerNorm(b, at);
    const gamma = at.input(1);
    return [
      sumDerivatives(b, [
        tx ? mul(b, projected(b, tx, normalized, inverse, axes), gamma) : null,
        tg ? mul(b, normalized, tg) : null,
        tb ? expand(b, tb, at.shape(2), at.outShape()) : null,
      ]),
    ];
  },
  vjp: (b, at, [g], needs) => {
    const { axes, inverse, normalized } = layerNorm(b, at);
    return [
      needs[0] ? projected(b, mul(b, g!, at.input(1)), normalized, inverse, axes) : null,
      needs[1] ? unbroadcast(b, mul(b, g!, normalized), at.outShape(), at.shape(1)) : null,
      needs[2] ? unbroadcast(b, g!, at.outShape(), at.shape(2)) : null,
    ];
  },
};

/** The symmetric Jacobian of x ↦ x̂ applied to d: (d − mean d − x̂ mean(d x̂))/√(var + ε). */
function projected(
  b: GraphBuilder,
  d: string,
  normalized: string,
  inverse: string,
  axes: readonly number[],
): string {
  const centred = sub(b, d, reduceMean(b, d, axes));
  const along = mul(b, normalized, reduceMean(b, mul(b, d, normalized), axes));
  return mul(b, sub(b, centred, along), inverse);
}

function layerNorm(b: GraphBuilder, at: Site) {
  const rank = at.shape(0).length;
  const first = normalizeAxis(intAttribute(at.node, 'axis', -1), rank);
  const axes = Array.from({ length: rank - first }, (_, i) => first + i);
  const centred = sub(b, at.input(0), reduceMean(b, at.input(0), axes));
  const variance = reduceMean(b, mul(b, centred, centred), axes);
  const inverse = inverseDeviation(b, variance, floatAttribute(at.node, 'epsilon', 1e-5));
  return { axes, inverse, normalized: mul(b, centred, inverse) };
}

/** y = softmax(x) along one axis. */
const Softmax: Op = {
  linearity: 'nonlinear',
  jvp: (b, at, [t]) => [t ? softmaxJacobian(b, at, t) : null],
  vjp: (b, at, [g]) => [g ? softmaxJacobian(b, at, g) : null],
};

/** (diag(y) − y yᵀ) d, symmetric. */
function softmaxJacobian(b: GraphBuilder, at: Site, d: string): string {
  const weighted = mul(b, at.output(), d);
  return sub(b, weighted, mul(b, at.output(), reduceSum(b, weighted, [softmaxAxis(at)], true)));
}

const softmaxAxis = (at: Site): number =>
  normalizeAxis(intAttribute(at.node, 'axis', -1), at.outShape().length);

/** y = x − log Σ exp x. */
const LogSoftmax: Op = {
  linearity: 'nonlinear',
  jvp: (b, at, [t]) => {
    const p = probabilities(b, at);
    return [t ? sub(b, t, reduceSum(b, mul(b, p, t), [softmaxAxis(at)], true)) : null];
  },
  vjp: (b, at, [g]) => [
    g ? sub(b, g, mul(b, probabilities(b, at), reduceSum(b, g, [softmaxAxis(at)], true))) : null,
  ],
};

const probabilities = (b: GraphBuilder, at: Site): string =>
  b.add('Softmax', [at.input(0)], { axis: { int: softmaxAxis(at) } });

export const normalization: Record<string, Op> = {
  BatchNormalization,
  LayerNormalization,
  Softmax,
  LogSoftmax,
};
