import { zipSync } from 'fflate';

export interface NamedArray {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** An .npz of float32 arrays, stored as `np.savez` stores them. */
export const writeNpz = (arrays: readonly NamedArray[]): Uint8Array =>
  zipSync(Object.fromEntries(arrays.map(array => [`${array.name}.npy`, npyOf(array)])), { level: 0 });

/** NumPy's format, version 1.0: the header padded so that the data begin at a multiple of 64. */
function npyOf({ shape, data }: NamedArray): Uint8Array {
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${dims}), }`;
  const start = 10;
  const length = Math.ceil((start + header.length + 1) / 64) * 64 - start;
  const file = Buffer.alloc(start + length + data.byteLength);
  file.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  file.writeUInt16LE(length, 8);
  file.write(`${header.padEnd(length - 1)}\n`, start, 'latin1');
  file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start + length);
  return file;
}
