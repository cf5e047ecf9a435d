import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { CurvatureError } from '../errors';

/** What probes depend on beside their index: with equal numbers here, a probe drawn again is the same probe. */
export interface Fingerprint {
  readonly version: string;
  readonly model: string;
  readonly data: string;
  readonly loss: string;
  readonly outputs: string;
  readonly samples: number;
  /** Samples per run, whose signs are drawn together. */
  readonly batch: number;
  readonly seed: number;
  readonly device: string;
}

/** What becomes of probes that are of another model, other data or other settings. */
export type WhenStale = 'refuse' | 'begin anew';

/** One probe: a number per layer, or several. */
export type Probe = Float64Array | readonly Float64Array[];
type Stored = string | readonly string[];

/**
 * A file beside a report that keeps every probe as it is drawn, a line each, so that a run that was stopped at any moment can go on from there. Probes are
 * named by their index, and the estimators take them in that order: a run that goes on gives the numbers of one that was never stopped.
 */
export class ProbeJournal {
  private readonly probes = new Map<string, Probe>();
  private stored: Fingerprint | undefined;
  /** The first line, until it is written with the first probe: a file without probes has nothing to resume. */
  private heading: string | undefined;

  /**
   * @param resume whether to go on with what the file holds; it is begun anew otherwise
   * @param whenStale what to do where that can't be gone on with
   * @throws CurvatureError `option-invalid` where the file is no journal and stale ones are refused
   */
  constructor(
    readonly file: string,
    resume: boolean,
    private readonly whenStale: WhenStale = 'refuse',
  ) {
    if (!resume || !existsSync(file)) return;
    try {
      this.read();
    } catch (error) {
      if (whenStale === 'refuse') throw error;
      this.forget();
    }
  }

  /** The samples per run of what is resumed, where it is of the model with this hash. */
  batchOf(model: string): number | undefined {
    return this.stored?.model === model ? this.stored.batch : undefined;
  }

  /** Probes that were found. */
  get size(): number {
    return this.probes.size;
  }

  /**
   * @throws CurvatureError `option-invalid` when the file's probes are of another model, data or settings, naming what differs,
   * unless stale ones are to be forgotten
   */
  begin(fingerprint: Fingerprint): void {
    const { stored } = this;
    if (stored) {
      const keys = Object.keys(fingerprint) as (keyof Fingerprint)[];
      const differs = keys.filter(key => fingerprint[key] !== stored[key]);
      if (differs.length === 0) return;
      if (this.whenStale === 'refuse')
        throw new CurvatureError(
          'option-invalid',
          `'${this.file}' can't be resumed: ${differs.map(key => `${key} was ${stored[key]} and is ${fingerprint[key]}`).join('; ')}.`,
          'Resume with the same model, data and settings, or run without --resume to begin anew.',
        );
    }
    this.forget();
    this.heading = `${JSON.stringify(fingerprint)}\n`;
  }

  /** A sampler that takes what the file has, and keeps what it draws. @param stage and layers name its probes */
  keeping<P extends Probe>(
    stage: string,
    layers: readonly string[],
    sampler: (indices: number[]) => Promise<readonly P[]>,
  ): (indices: readonly number[]) => Promise<P[]> {
    const key = createHash('sha256')
      .update(JSON.stringify([stage, layers]))
      .digest('hex')
      .slice(0, 16);
    return async indices => {
      const found = indices.map(i => this.probes.get(`${key} ${i}`) as P | undefined);
      const missing = indices.filter((_, k) => found[k] === undefined);
      const drawn = missing.length > 0 ? await sampler(missing) : [];
      if (missing.length > 0 && this.heading !== undefined) {
        this.write(this.heading, writeFileSync);
        this.heading = undefined;
      }
      missing.forEach((index, k) => {
        const line = { key, index, probe: encode(drawn[k]) };
        this.write(`${JSON.stringify(line)}\n`, appendFileSync);
      });
      let next = 0;
      return found.map(probe => probe ?? drawn[next++]);
    };
  }

  /** Takes the file away, once the report is whole. */
  finish(): void {
    rmSync(this.file, { force: true });
  }

  private forget(): void {
    this.stored = undefined;
    this.probes.clear();
    rmSync(this.file, { force: true });
  }

  private read(): void {
    const [first, ...lines] = readFileSync(this.file, 'utf8').split('\n');
    try {
      this.stored = JSON.parse(first) as Fingerprint;
      let end = first.length + 1;
      // A process that was killed while it wrote leaves half a line at the end, which is cut off.
      for (const line of lines) {
        if (line === '') break;
        const parsed = parse(line);
        if (!parsed) break;
        this.probes.set(`${parsed.key} ${parsed.index}`, decode(parsed.probe));
        end += line.length + 1;
      }
      const whole = readFileSync(this.file, 'utf8').slice(0, end);
      writeFileSync(this.file, whole);
    } catch (error) {
      throw new CurvatureError(
        'option-invalid',
        `'${this.file}' can't be resumed: ${(error as Error).message}.`,
        'Run without --resume to begin anew.',
      );
    }
  }

  private write(text: string, by: (file: string, text: string) => void): void {
    try {
      by(this.file, text);
    } catch (error) {
      throw new CurvatureError(
        'runtime-failed',
        `'${this.file}' could not be written: ${(error as Error).message}.`,
      );
    }
  }
}

function parse(line: string): { key: string; index: number; probe: Stored } | undefined {
  try {
    return JSON.parse(line) as { key: string; index: number; probe: Stored };
  } catch {
    return undefined;
  }
}

/** All bits of all numbers, NaN as well. */
const encode = (probe: Probe): Stored =>
  probe instanceof Float64Array
    ? bytesOf(probe).toString('base64')
    : probe.map(p => bytesOf(p).toString('base64'));

const bytesOf = (a: Float64Array): Buffer => Buffer.from(a.buffer, a.byteOffset, a.byteLength);

const decode = (stored: Stored): Probe =>
  typeof stored === 'string' ? floatsOf(stored) : stored.map(floatsOf);

function floatsOf(text: string): Float64Array {
  const bytes = Buffer.from(text, 'base64');
  return new Float64Array(new Uint8Array(bytes).buffer);
}
