import { quantizationError, type Weight } from './quantize';
import type { Granularity, GranularityChoice, PlainGranularity, Quantizer } from './quantizer';
import { quantizedBytes } from './size';

/** From this width on there are no wider integers that bytes could go to: files hold 8 bits, and then 16. */
const WIDEST = 8;
/** What one bit more divides a squared error by: 6 dB. */
const PER_BIT = 4;

/**
 * Which weights share a scale. `auto` compares at equal size: the scales of channels take bytes that wider integers could have
 * instead, and a bit more divides the error by 4. So channels have their own where that divides the error by more than its bytes
 * would, and from 8 bits on. Only the weights decide, so that whoever quantizes them decides alike.
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
  if (choice === 'channel' || quantizer.bits >= WIDEST) return channel;
  const bytes = (granularity: Granularity): number =>
    quantizedBytes(weight.shape, { ...quantizer, granularity });
  const error = (granularity: Granularity): number =>
    quantizationError(weight, { ...quantizer, granularity });
  const bitsOfScales = (8 * (bytes(channel) - bytes(tensor))) / weight.data.length;
  return error(tensor) > error(channel) * PER_BIT ** bitsOfScales ? channel : tensor;
}
