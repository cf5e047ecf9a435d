import { dot, type Vector } from '../util/vector';

/** Signal to quantization noise, 10 log₁₀(‖W‖²/‖Q(W) − W‖²), in dB; larger is better, Infinity without an error. */
export const sqnr = (weights: Vector, quantizationError: number): number =>
  10 * Math.log10(dot(weights, weights) / quantizationError);
