import { quantizationError, type Weight } from './quantize';
import type { Granularity, GranularityChoice, PlainGranularity, Quantizer } from './quantizer';
import { quantizedBytes } from './size';

/**
 * Which weights share a scale. `auto` compares at equal size: scales per channel take bytes that wider integers could have instead,
 * and each bit more divides the error by the square of what it multiplies the levels by. Per channel wins where it
 * divides the error by more than its bytes would so. Only the weights decide, so that whoever quantizes them decides alike.
 * @param channelAxis of the output channels; null where they lie along none, and one scale is all there can be
 */
export function chooseGranularity(
  weight: Weight,
  channelAxis: number | null,
  choice: GranularityChoice,
  quantizer: Omit<Quantizer, 'granularity'>,
): PlainGranularity {
  const tensor = { kind: 'tensor' } as const;
  if (channelAxis === null || choice === 'tensor') return tensor;
  const channel = { kind: 'channel', axis: channelAxis } as const;
  if (choice === 'channel') return channel;
  const { bits, symmetric } = quantizer;
  const bytes = (granularity: Granularity): number =>
    quantizedBytes(weight.shape, { bits, symmetric, granularity });
  const error = (granularity: Granularity): number =>
    quantizationError(weight, { ...quantizer, granularity });
  const extraBits = (8 * (bytes(channel) - bytes(tensor))) / weight.data.length;
  const perBit = (stepsOf(bits + 1, symmetric) / stepsOf(bits, symmetric)) ** 2;
  return error(tensor) > error(channel) * perBit ** extraBits ? channel : tensor;
}

/** From the lowest level of a width to the highest. */
const stepsOf = (bits: number, symmetric: boolean): number => 2 ** bits - (symmetric ? 2 : 1);
