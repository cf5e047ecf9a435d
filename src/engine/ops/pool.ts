import type { GraphBuilder } from '../graph/builder';
import { intAttribute, intsAttribute } from '../graph/graph';
import { float32Tensor, numElements } from '../onnx/tensor';
import { div, expand, mul, reshape, scale, zeros } from './emit';
import { adjointAttributes, convAttributes, geometryOf } from './geometry';
import type { Op, Site } from './rule';

const spatial = (shape: readonly number[]): readonly number[] => shape.slice(2);

/** The maximum's place, as MaxPool's second output gives it: an index into the flattened input. */
function argMax(b: GraphBuilder, at: Site): string {
  const indices = b.extraOutput(at.node, 1);
  return reshape(b, indices, at.outShape(), [numElements(at.outShape())]);
}

const MaxPool: Op = {
  linearity: 'piecewise',
  covers: node => intAttribute(node, 'storage_order', 0) === 0,
  jvp: (b, at, [t]) => {
    const flat = reshape(b, t!, at.shape(0), [numElements(at.shape(0))]);
    // Gather does the same and takes five times as long.
    const picked = b.add('GatherElements', [flat, argMax(b, at)], { axis: { int: 0 } });
    return [reshape(b, picked, [numElements(at.outShape())], at.outShape()), null];
  },
  vjp: (b, at, [g]) => {
    if (!g) return [null];
    const size = numElements(at.shape(0));
    const flat = reshape(b, g, at.outShape(), [numElements(at.outShape())]);
    const scattered = b.add('ScatterElements', [zeros(b, [size]), argMax(b, at), flat], {
      axis: { int: 0 },
      reduction: { string: 'add' },
    });
    return [reshape(b, scattered, [size], at.shape(0))];
  },
};

/**
 * The mean over windows, each with its own count of elements. The counts, which depend on padding, ceil_mode and
 * dilation in ways of their own, are asked of the operator itself: over ones, the sum of a window is the share that its
 * elements have of the mean, times their number.
 */
const AveragePool: Op = {
  linearity: 'linear',
  jvp: (b, at, [t]) => [t ? b.add('AveragePool', [t], at.node.attributes) : null],
  vjp: (b, at, [g]) => {
    if (!g) return [null];
    const kernel = intsAttribute(at.node, 'kernel_shape')!;
    const [input, output] = [spatial(at.shape(0)), spatial(at.outShape())];
    const channels = at.shape(0)[1];
    const geometry = geometryOf(at.node, kernel, input, output);
    const ones = (count: number): string =>
      b.constant(
        float32Tensor([count, 1, ...kernel], new Float32Array(count * numElements(kernel)).fill(1)),
        'ones',
      );
    const plane = expand(b, b.scalar(1), [], [1, 1, ...input]);
    const mean = b.add('AveragePool', [plane], at.node.attributes);
    const inside = b.add('Conv', [plane, ones(1)], convAttributes(geometry, 1));
    // A window that lies in the padding altogether sums up nothing.
    const share = div(b, mean, b.add('Max', [inside, b.scalar(1)]));
    return [
      b.add(
        'ConvTranspose',
        [mul(b, g, share), ones(channels)],
        adjointAttributes(geometry, channels, input, output),
      ),
    ];
  },
};

const GlobalAveragePool: Op = {
  linearity: 'linear',
  jvp: (b, _at, [t]) => [t ? b.add('GlobalAveragePool', [t]) : null],
  vjp: (b, at, [g]) => [
    g ? expand(b, scale(b, g, 1 / numElements(spatial(at.shape(0)))), at.outShape(), at.shape(0)) : null,
  ],
};

export const pool: Record<string, Op> = { MaxPool, AveragePool, GlobalAveragePool };
