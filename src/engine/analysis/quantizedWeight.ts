import type { Layer } from '../curvature/layers';
import { dequantize, quantize } from '../quantization/quantize';
import { weightQuantizer } from '../quantization/quantizer';
import { quantizedBytes } from '../quantization/size';
import type { Model } from './model';

/** Q(W) of a layer at a width, row-major, by the quantizer that reports go by. */
export const quantizedWeight = (model: Model, layer: Layer, bits: number): Float32Array =>
  dequantize(
    quantize(
      { name: layer.initializer, shape: layer.shape, data: weightOf(model, layer) },
      weightQuantizer(bits, layer.channelAxis),
    ),
  );

/** δ = Q(W) − W. */
export function weightError(model: Model, layer: Layer, bits: number): Float32Array {
  const weight = weightOf(model, layer);
  return quantizedWeight(model, layer, bits).map((q, i) => q - weight[i]);
}

/** Bytes on disk. */
export const bytesAt = ({ shape, channelAxis }: Layer, bits: number): number =>
  quantizedBytes(shape, weightQuantizer(bits, channelAxis));

export const weightOf = ({ graph }: Model, { initializer }: Layer): Float32Array =>
  graph.initializers.get(initializer)!.data as Float32Array;
