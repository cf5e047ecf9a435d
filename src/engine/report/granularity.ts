import type { GranularityChoice } from '../quantization/quantizer';
import type { LayerReport, Report } from './schema';

/** How a report's layers share scales: older ones don't say, and went by channels. */
export const granularityOf = ({ settings }: Pick<Report, 'settings'>): GranularityChoice =>
  settings.granularity ?? 'channel';

/** Whether all weights of a layer that has several channels share a scale at a width. */
export const hasOneScale = ({ granularity }: LayerReport, bits: number | null): boolean =>
  bits !== null && granularity?.[bits] === 'tensor';
