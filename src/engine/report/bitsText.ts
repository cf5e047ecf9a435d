import type { BitsFile } from './bits';

/** The text of a `*.bits.json`, a line a layer. Apart from the reader, so that pages need not carry its checks. */
export const bitsText = ({ model, report, granularity, bits }: Omit<BitsFile, 'format'>): string =>
  `${JSON.stringify({ format: 'curvature-bits', model, report, granularity, bits }, null, 2)}\n`;
