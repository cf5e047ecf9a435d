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

  /** @param resume whether to go on with what the file holds; it is begun anew otherwise */
  constructor(
    readonly file: string,
    resume: boolean,
  ) {
    if (resume && existsSync(file)) this.read();
  }

  /** The samples per run of what is resumed. */
  get batch(): number | undefined {
    return this.stored?.batch;
  }

  /** Probes that were found. */
  get size(): number {
    return this.probes.size;
  }

  /** @throws CurvatureError `option-invalid` when the file's probes are of another model, data or settings, naming what differs */
  begin(fingerprint: Fingerprint): void {
    if (this.stored) {
      const keys = Object.keys(fingerprint) as (keyof Fingerprint)[];
      const differs = keys.filter(key => fingerprint[key] !== this.stored?.[key]);
      if (differs.length === 0) return;
      throw new CurvatureError(
        'option-invalid',
        `'${this.file}' can't be resumed: ${differs.map(key => `${key} was ${this.stored?.[key]} and is ${fingerprint[key]}`).join('; ')}.`,
        'Resume with the same model, data and settings, or run without --resume to begin anew.',
      );
    }
    this.write(`${JSON.stringify(fingerprint)}\n`, writeFileSync);
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
