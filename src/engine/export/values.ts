import { floatsToHalves } from '../onnx/half';
import { rawBytes, storage, type Tensor, type TypedArray } from '../onnx/tensor';
import type { QuantizedTensor } from '../quantization/quantizer';
import type { NamedType, Parts } from './parts';
import type { WeightPlan } from './plan';

/** The values of a weight's tensors, in the order and form that the file has them. */
export function valuesOf(
  plan: WeightPlan,
  parts: Parts,
  quantized: QuantizedTensor,
): { name: string; tensor: Tensor }[] {
  const fill = ({ name, elemType, shape }: NamedType, data: TypedArray) => ({
    name,
    tensor: { elemType, shape, data },
  });
  const { integers, scales, zeroPoints } = parts;
  if (!plan.matrix) {
    const inType = ({ elemType }: NamedType, values: Int32Array): TypedArray => {
      const data = new storage[elemType](values.length);
      for (let i = 0; i < data.length; i++) data[i] = values[i];
      return data;
    };
    return [
      fill(integers, inType(integers, quantized.integers)),
      fill(scales, quantized.scales),
      ...(zeroPoints ? [fill(zeroPoints, inType(zeroPoints, quantized.zeroPoints))] : []),
    ];
  }
  const rows = byOutput(plan, quantized);
  return [
    fill(integers, rows.integers),
    fill(scales, scales.elemType === 'float16' ? floatsToHalves(rows.scales) : rows.scales),
    ...(zeroPoints ? [fill(zeroPoints, rows.zeroPoints)] : []),
  ];
}

/**
 * A quantized matrix as MatMulNBits reads it: a row to an output, in bytes that hold several values, the first in the lowest bits;
 * the last block of a row is filled up with zeros, and a row of zero points to a whole byte.
 */
function byOutput(
  { layer, matrix, storedBits, quantizer }: WeightPlan,
  { integers, scales, zeroPoints }: QuantizedTensor,
): { integers: Uint8Array; scales: Float32Array; zeroPoints: Uint8Array } {
  const { summedAxis } = matrix!;
  const [k, n] = [layer.shape[summedAxis], layer.shape[1 - summedAxis]];
  const size = quantizer.granularity.kind === 'block' ? quantizer.granularity.size : k;
  const blocks = Math.ceil(k / size);
  // Without zero points MatMulNBits takes the middle of the range for zero.
  const middle = quantizer.symmetric ? 2 ** (storedBits - 1) : 0;
  const zeroPointsToRow = Math.ceil((blocks * storedBits) / 8) * (8 / storedBits);
  const values = new Uint8Array(n * blocks * size);
  const rows = { scales: new Float32Array(n * blocks), zeroPoints: new Uint8Array(n * zeroPointsToRow) };
  for (let row = 0; row < n; row++) {
    for (let i = 0; i < k; i++)
      values[row * blocks * size + i] = integers[summedAxis === 0 ? i * n + row : row * k + i] + middle;
    for (let b = 0; b < blocks; b++) {
      const from = summedAxis === 0 ? b * n + row : row * blocks + b;
      rows.scales[row * blocks + b] = scales[from];
      rows.zeroPoints[row * zeroPointsToRow + b] = zeroPoints[from];
    }
  }
  return {
    integers: packed(values, storedBits),
    scales: rows.scales,
    zeroPoints: packed(rows.zeroPoints, storedBits),
  };
}

function packed(data: Uint8Array, bits: number): Uint8Array {
  const elemType = bits === 2 ? 'uint2' : bits === 4 ? 'uint4' : 'uint8';
  return rawBytes({ elemType, shape: [data.length], data });
}
