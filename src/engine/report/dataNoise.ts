import type { Report } from './schema';

/** What other samples of the same kind would change a layer's GGN trace by, as a share of it: the median of the layers; undefined where nothing tells. */
export function dataNoise({ layers }: Pick<Report, 'layers'>): number | undefined {
  const shares = layers
    .flatMap(({ trace: { ggn } }) =>
      ggn?.dataStderr === undefined || ggn.estimate <= 0 ? [] : [ggn.dataStderr / ggn.estimate],
    )
    .sort((a, b) => a - b);
  return shares[Math.floor(shares.length / 2)];
}
