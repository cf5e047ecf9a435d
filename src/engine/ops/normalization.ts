import type { GraphBuilder } from '../graph/builder';
import { floatAttribute, intAttribute } from '../graph/graph';
import { expand, mul, reduceSum, reshape, sub, sumDerivatives } from './emit';
import { normalizeAxis, type Op, type Site } from './rule';
import { inverseDeviation } from './standardized';

/** A vector of C channels laid along axis 1 of a tensor of the given rank. */
const alongChannels = (b: GraphBuilder, v: string, channels: number, rank: number): string =>
  reshape(b, v, [channels], [1, channels, ...Array<number>(rank - 2).fill(1)]);

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
  Softmax,
  LogSoftmax,
};
