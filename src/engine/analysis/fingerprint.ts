import { closeSync, openSync, readSync } from 'node:fs';

/** What probes depend on beside their index: with equal values here, a probe drawn again is the same probe. */
export interface Fingerprint {
  /** Samples per run, whose signs are drawn together. */
  readonly batch: number;
  readonly [what: string]: string | number;
}

/** More than the first line of any journal. */
const LONGEST = 2 ** 20;

/** The first line of a journal, which tells the run that it is of; undefined where there is none that can be read. */
export function readFingerprint(file: string): Fingerprint | undefined {
  try {
    const descriptor = openSync(file, 'r');
    try {
      const bytes = Buffer.alloc(LONGEST);
      const text = bytes.toString('utf8', 0, readSync(descriptor, bytes, 0, LONGEST, 0));
      return JSON.parse(text.slice(0, text.indexOf('\n'))) as Fingerprint;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return undefined;
  }
}

const ALL = 'all';

/** Globs over layers as a fingerprint has them. */
export const layersText = (layers: readonly string[] | undefined): string =>
  layers ? JSON.stringify(layers) : ALL;

/** What `layersText` was given. */
export const layersOf = ({ layers }: Fingerprint): string[] | undefined =>
  layers === undefined || layers === ALL ? undefined : (JSON.parse(String(layers)) as string[]);
