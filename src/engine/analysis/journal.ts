import { createHash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import type { LinearOperator } from '../curvature/linearOperator';
import { CurvatureError } from '../errors';
import type { Keeper } from '../estimators/keeper';
import { type Fingerprint, layersText } from './fingerprint';
import { keptProducts } from './keptProducts';
import type { Model } from './model';
import type { OpenedMatrix } from './openMatrix';
import type { MatrixOptions } from './matrixOptions';
import type { SetUp } from './setUp';
import { TOOL } from './state';

/** What all probes on a model and its data depend on. */
export const fingerprintOf = ({ sha256 }: Model, { problem, data }: SetUp, seed: number): Fingerprint => ({
  ...{ version: TOOL.version, model: sha256, data: data.sha256 ?? data.source },
  ...{ loss: problem.loss.kind, outputs: problem.outputs.join(', '), batch: problem.batch },
  ...{ samples: problem.dataset.samples, seed, device: problem.session.device.name },
});

/** The same for a matrix over some of the parameters, and for the command that asks. */
export const matrixFingerprint = (
  command: string,
  { model, ready, size }: OpenedMatrix,
  { matrix, layers, seed }: MatrixOptions,
): Fingerprint => ({
  ...fingerprintOf(model, ready, seed),
  ...{ command, matrix, layers: layersText(layers), rows: size },
});

/** What becomes of probes that are of another model, other data or other settings. */
export type WhenStale = 'refuse' | 'begin anew';

/** One probe: a number per layer, or several. */
export type Probe = Float64Array | readonly Float64Array[];
type Stored = string | readonly string[];

/**
 * A file beside a report that keeps every probe as it is drawn, a line each, so that a run that was stopped at any moment can go on from there. Probes are
 * named by their index, and the estimators take them in that order: a run that goes on gives the numbers of one that was never stopped.
 * Searches on an operator keep their finished parts there, and the products of what isn't finished in a folder beside it.
 */
export class ProbeJournal implements Keeper {
  private readonly probes = new Map<string, Probe>();
  private readonly parts = new Map<string, unknown>();
  private stored: Fingerprint | undefined;
  /** The first line, until it is written with what is kept first: a file without anything has nothing to resume. */
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

  /** What was settled for the run that is resumed. */
  get settled(): Fingerprint | undefined {
    return this.stored;
  }

  /** The samples per run of what is resumed, where it is of the model with this hash. */
  batchOf(model: string): number | undefined {
    return this.stored?.['model'] === model ? this.stored.batch : undefined;
  }

  /** Probes, finished parts and products that were found. */
  get size(): number {
    const rows = Number(this.stored?.['rows'] ?? Infinity);
    const products = this.productFiles().map(file => Math.floor(statSync(file).size / (8 * rows)));
    return this.probes.size + this.parts.size + products.reduce((sum, n) => sum + n, 0);
  }

  /**
   * @throws CurvatureError `option-invalid` when the file's probes are of another model, data or settings, naming what differs,
   * unless stale ones are to be forgotten
   */
  begin(fingerprint: Fingerprint): void {
    const { stored } = this;
    if (stored) {
      const keys = [...new Set([...Object.keys(fingerprint), ...Object.keys(stored)])];
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

  found(name: string): unknown {
    return this.parts.get(name);
  }

  keep(name: string, part: unknown): void {
    this.append({ name, part });
    rmSync(this.productFile(name), { force: true });
  }

  through(name: string, operator: LinearOperator): LinearOperator {
    mkdirSync(this.folder, { recursive: true });
    this.writeHeading();
    const file = this.productFile(name);
    const kept = keptProducts(operator, file);
    return { size: kept.size, apply: v => kept.apply(v).catch(error => unwritable(file, error)) };
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
        this.append({ key, index, probe: encode(drawn[k]) });
      });
      let next = 0;
      return found.map(probe => probe ?? drawn[next++]);
    };
  }

  /** Takes the file away, once the report is whole. */
  finish(): void {
    rmSync(this.file, { force: true });
    rmSync(this.folder, { recursive: true, force: true });
  }

  private get folder(): string {
    return `${this.file}.products`;
  }

  private productFile(name: string): string {
    return path.join(this.folder, name.replaceAll(' ', '-'));
  }

  private productFiles(): string[] {
    return existsSync(this.folder) ? readdirSync(this.folder).map(file => path.join(this.folder, file)) : [];
  }

  private forget(): void {
    this.stored = undefined;
    this.probes.clear();
    this.parts.clear();
    this.finish();
  }

  private append(line: object): void {
    this.writeHeading();
    this.write(`${JSON.stringify(line)}\n`, appendFileSync);
  }

  private writeHeading(): void {
    if (this.heading === undefined) return;
    this.write(this.heading, writeFileSync);
    this.heading = undefined;
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
        if ('name' in parsed) this.parts.set(parsed.name, parsed.part);
        else this.probes.set(`${parsed.key} ${parsed.index}`, decode(parsed.probe));
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
      unwritable(this.file, error);
    }
  }
}

/** Errors of the system get the file's name; others go on as they are. */
function unwritable(file: string, error: unknown): never {
  if (!(error instanceof Error && 'syscall' in error)) throw error;
  throw new CurvatureError('runtime-failed', `'${file}' could not be written: ${error.message}.`);
}

type Line = { key: string; index: number; probe: Stored } | { name: string; part: unknown };

function parse(line: string): Line | undefined {
  try {
    return JSON.parse(line) as Line;
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
