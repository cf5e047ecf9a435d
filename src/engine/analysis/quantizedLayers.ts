import type { Layer } from '../curvature/layers';
import { chooseGranularity } from '../quantization/granularity';
import { dequantize, quantizationError, quantize, type Weight } from '../quantization/quantize';
import {
  type GranularityChoice,
  type PlainGranularity,
  type Quantizer,
  weightQuantizer,
} from '../quantization/quantizer';
import { quantizedBytes } from '../quantization/size';
import type { Model } from './model';

export type PlainQuantizer = Quantizer & { readonly granularity: PlainGranularity };

/** The layers of a model as reports quantize them: symmetric min-max, by width. */
export interface QuantizedLayers {
  readonly quantizerOf: (layer: Layer, bits: number) => PlainQuantizer;
  /** Q(W), row-major. */
  readonly weightAt: (layer: Layer, bits: number) => Float32Array;
  /** δ = Q(W) − W. */
  readonly errorAt: (layer: Layer, bits: number) => Float32Array;
  /** ‖δ‖². */
  readonly squaredErrorAt: (layer: Layer, bits: number) => number;
  /** On disk. */
  readonly bytesAt: (layer: Layer, bits: number) => number;
}

export function quantizedLayers(model: Model, choice: GranularityChoice): QuantizedLayers {
  const weightIn = (layer: Layer): Weight => ({
    name: layer.initializer,
    shape: layer.shape,
    data: weightOf(model, layer),
  });
  // To choose a granularity, a layer is quantized both ways.
  const chosen = new Map<string, PlainQuantizer>();
  const quantizerOf = (layer: Layer, bits: number): PlainQuantizer => {
    const key = `${bits} ${layer.initializer}`;
    const known = chosen.get(key);
    if (known) return known;
    const base = weightQuantizer(bits, null);
    const granularity = chooseGranularity(weightIn(layer), layer.channelAxis, choice, base);
    chosen.set(key, { ...base, granularity });
    return { ...base, granularity };
  };
  const weightAt = (layer: Layer, bits: number): Float32Array =>
    dequantize(quantize(weightIn(layer), quantizerOf(layer, bits)));
  return {
    quantizerOf,
    weightAt,
    errorAt: (layer, bits) => {
      const weight = weightOf(model, layer);
      return weightAt(layer, bits).map((q, i) => q - weight[i]);
    },
    squaredErrorAt: (layer, bits) => quantizationError(weightIn(layer), quantizerOf(layer, bits)),
    bytesAt: (layer, bits) => quantizedBytes(layer.shape, quantizerOf(layer, bits)),
  };
}

export const weightOf = ({ graph }: Model, { initializer }: Layer): Float32Array =>
  graph.initializers.get(initializer)!.data as Float32Array;
