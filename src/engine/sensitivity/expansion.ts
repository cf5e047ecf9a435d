import { type Measured, measured } from './sampleMean';

/**
 * The second-order expansion of the loss along a layer's quantization error δ, gᵀδ + ½ δᵀHδ, with the noise of the data.
 * @param slopes the samples' shares of gᵀδ
 * @param curvatures the samples' shares of δᵀHδ
 */
export const expansion = (slopes: Float64Array, curvatures: Float64Array): Measured =>
  measured(slopes.map((slope, i) => slope + curvatures[i] / 2));
