import { closeSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';

/** Where readers may map the data into memory, they want it at the start of a page. */
const PAGE_BYTES = 4096;
/** Longest piece that is written at once; systems refuse 2 GiB and more. */
const MAX_WRITE = 1 << 30;

/** Smaller initializers stay in the model's file: shapes and axes among them must be known while it is loaded. */
export const MIN_OUTSIDE_BYTES = 1024;
/** A message of protobuf can't be longer, and the rest of a model is small beside its initializers. */
export const MAX_INLINE_BYTES = 2 ** 31 - 2 ** 27;

/** Where a tensor's bytes stand outside the model's file. */
export interface DataPlace {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/** The file of initializers beside a model's, named after it. */
export class DataFile {
  private readonly handle: number;
  private end = 0;

  constructor(readonly file: string) {
    this.handle = openSync(file, 'w');
  }

  static besides(modelFile: string): string {
    return `${modelFile}.data`;
  }

  append(data: Uint8Array): DataPlace {
    const offset = Math.ceil(this.end / PAGE_BYTES) * PAGE_BYTES;
    for (let done = 0; done < data.length;)
      done += writeSync(this.handle, data, done, Math.min(MAX_WRITE, data.length - done), offset + done);
    this.end = offset + data.length;
    return { location: path.basename(this.file), offset, length: data.length };
  }

  close(): void {
    closeSync(this.handle);
  }
}
