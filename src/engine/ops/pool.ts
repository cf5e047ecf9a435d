import type { GraphBuilder } from '../graph/builder';
import { intAttribute, intsAttribute } from '../graph/graph';
import { float32Tensor, numElements } from '../onnx/tensor';
import { div, expand, reshape, scale, zeros } from './emit';
import { adjointAttributes, geometryOf } from './geometry';
import type { Op, Site } from './rule';

const spatial = (shape: readonly number[]): readonly number[] => shape.slice(2);

/** The maximum's place, as MaxPool's second output gives it: an index into the flattened input. */
function argMax(b: GraphBuilder, at: Site): string {
  const indices = b.extraOutput(at.node, 1);
  return reshape(b, indices, at.outShape(), [numElements(at.outShape())]);
}

const MaxPool: Op = {
  linearity: 'piecewise',
  jvp: (b, at, [t]) => {
    const flat = reshape(b, t!, at.shape(0), [numElements(at.shape(0))]);
    const picked = b.add('Gather', [flat, argMax(b, at)], { axis: { int: 0 } });
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

/** The mean over windows; with padding excluded, each window has its own count. */
const AveragePool: Op = {
  linearity: 'linear',
  jvp: (b, at, [t]) => [t ? b.add('AveragePool', [t], at.node.attributes) : null],
  vjp: (b, at, [g]) => {
    const kernel = intsAttribute(at.node, 'kernel_shape')!;
    const [input, output] = [spatial(at.shape(0)), spatial(at.outShape())];
    const channels = at.shape(0)[1];
    const geometry = geometryOf(at.node, kernel, input, output);
    const counts = windowCounts(at, input, output);
    const ones = new Float32Array(channels * numElements(kernel)).fill(1);
    const weight = b.constant(float32Tensor([channels, 1, ...kernel], ones), 'ones');
    const shared = div(b, g!, b.constant(float32Tensor([1, 1, ...output], counts), 'windowCounts'));
    return [b.add('ConvTranspose', [shared, weight], adjointAttributes(geometry, channels, input, output))];
  },
};

/**
 * How many elements each window averages over: padding counts only with count_include_pad, and never beyond
 * it.
 */
function windowCounts(at: Site, input: readonly number[], output: readonly number[]): Float32Array {
  const { node } = at;
  const kernel = intsAttribute(node, 'kernel_shape')!;
  const geometry = geometryOf(node, kernel, input, output);
  const includePad = intAttribute(node, 'count_include_pad', 0) === 1;
  const declaredEnd = (i: number): number =>
    intsAttribute(node, 'pads')?.[kernel.length + i] ?? Math.max(geometry.padsEnd[i], 0);
  const perAxis = output.map((size, i) =>
    Array.from({ length: size }, (_, o) => {
      const start = o * geometry.strides[i] - geometry.padsBegin[i];
      const [low, high] = includePad ? [-geometry.padsBegin[i], input[i] + declaredEnd(i)] : [0, input[i]];
      let count = 0;
      for (let k = 0; k < kernel[i]; k++) {
        const position = start + k * geometry.dilations[i];
        if (position >= low && position < high) count++;
      }
      return count;
    }),
  );
  const products = perAxis.reduce((all, axis) => all.flatMap(p => axis.map(c => p * c)), [1]);
  return Float32Array.from(products);
}

const GlobalAveragePool: Op = {
  linearity: 'linear',
  jvp: (b, _at, [t]) => [t ? b.add('GlobalAveragePool', [t]) : null],
  vjp: (b, at, [g]) => [
    g ? expand(b, scale(b, g, 1 / numElements(spatial(at.shape(0)))), at.outShape(), at.shape(0)) : null,
  ],
};

export const pool: Record<string, Op> = { MaxPool, AveragePool, GlobalAveragePool };
