import type { GraphBuilder } from '../graph/builder';
import { float32Tensor, numElements, type Tensor } from '../onnx/tensor';
import { convAttributes, type Geometry } from './geometry';

type Shape = readonly number[];

/** Windows of more taps are made along one axis after the other. */
const MANY_TAPS = 25;

/**
 * The windows of x [N, C, …] as channels: [N, C·taps, …], by a depthwise Conv with one-hot kernels. That
 * serves every stride, dilation, padding and rank, and beats Slice and Concat on the CPU.
 * @param backwards whether the last tap comes first
 */
export function im2col(
  b: GraphBuilder,
  x: string,
  shape: Shape,
  geometry: Geometry,
  output: Shape,
  backwards: boolean,
): string {
  const { kernel } = geometry;
  const taps = numElements(kernel);
  const channels = shape[1];
  if (taps === 1 && shape.slice(2).every((d, i) => d === output[i])) return x;
  const axes = kernel.flatMap((taps, i) => (taps > 1 ? [i] : []));
  if (taps > MANY_TAPS && axes.length > 1) {
    const first = along(geometry, i => i === axes[0]);
    const size = shape.slice(2).map((d, i) => (i === axes[0] ? output[i] : d));
    const some = im2col(b, x, shape, first, size, backwards);
    const rest = along(geometry, i => i !== axes[0]);
    return im2col(b, some, [shape[0], channels * kernel[axes[0]], ...size], rest, output, backwards);
  }
  const kernels = b.namedConstant(
    `oneHot_${channels}x${kernel.join('x')}${backwards ? '_backwards' : ''}`,
    () => oneHot(channels, kernel, backwards),
  );
  return b.add('Conv', [x, kernels], convAttributes(geometry, channels));
}

function oneHot(channels: number, kernel: Shape, backwards: boolean): Tensor {
  const taps = numElements(kernel);
  const data = new Float32Array(channels * taps * taps);
  for (let i = 0; i < channels * taps; i++) {
    const tap = i % taps;
    data[i * taps + (backwards ? taps - 1 - tap : tap)] = 1;
  }
  return float32Tensor([channels * taps, 1, ...kernel], data);
}

/** A geometry along some axes, which leaves the others as they are. */
function along(geometry: Geometry, isTaken: (axis: number) => boolean): Geometry {
  const { kernel, strides, dilations, padsBegin, padsEnd } = geometry;
  const or = (values: Shape, other: number): number[] => values.map((v, i) => (isTaken(i) ? v : other));
  return {
    kernel: or(kernel, 1),
    strides: or(strides, 1),
    dilations: or(dilations, 1),
    padsBegin: or(padsBegin, 0),
    padsEnd: or(padsEnd, 0),
  };
}
