import type { Layer } from '../curvature/layers';
import { quantizedBytes } from '../quantization/size';
import { quantizeUniform } from '../quantization/uniform';
import type { Model } from './model';

/** A layer's weight at a width, by the quantizer that all of an analysis uses. */
export interface QuantizedWeight {
  /** Q(W), row-major. */
  readonly values: Float32Array;
  /** ‖Q(W) − W‖². */
  readonly error: number;
  /** On disk, with the scales. */
  readonly bytes: number;
}

export function quantizedWeight(model: Model, layer: Layer, bits: number): QuantizedWeight {
  const { initializer: name, shape, size, channelAxis: axis } = layer;
  const values = new Float32Array(size);
  const { error } = quantizeUniform({ name, shape, data: weightOf(model, layer) }, { bits, axis }, values);
  return { values, error, bytes: quantizedBytes(size, axis === null ? 1 : shape[axis], bits) };
}

/** δ = Q(W) − W. */
export function weightError(model: Model, layer: Layer, bits: number): Float32Array {
  const weight = weightOf(model, layer);
  return quantizedWeight(model, layer, bits).values.map((q, i) => q - weight[i]);
}

export const weightOf = ({ graph }: Model, { initializer }: Layer): Float32Array =>
  graph.initializers.get(initializer)!.data as Float32Array;
