import type { GranularityChoice } from '../quantization/quantizer';
import type { LayerReport, Report } from './schema';

/** How a report's layers share scales: older ones don't say, and went by channels. */
export const granularityOf = ({ settings }: Pick<Report, 'settings'>): GranularityChoice =>
  settings.granularity ?? 'channel';

/** Whether all weights of a layer that has several channels share a scale at a width. */
export const hasOneScale = ({ granularity }: LayerReport, bits: number | null): boolean =>
  bits !== null && granularity?.[bits] === 'tensor';

/** What has a scale of its own at the layer's width; undefined where no width is chosen, or it is left in floats. */
export const scalesPer = ({ granularity, bits }: LayerReport): 'channel' | 'tensor' | undefined =>
  bits === null ? undefined : granularity?.[bits];
