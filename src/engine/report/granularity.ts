import type { GranularityChoice } from '../quantization/quantizer';
import type { Report } from './schema';

/** How a report's layers share scales: older ones don't say, and went by channels. */
export const granularityOf = ({ settings }: Pick<Report, 'settings'>): GranularityChoice =>
  settings.granularity ?? 'channel';
