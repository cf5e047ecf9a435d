import { zipSync } from 'fflate';

/** NumPy's type code for each kind of typed array. */
const codes = new Map<unknown, string>([
  [Float32Array, '<f4'],
  [Float64Array, '<f8'],
  [Int8Array, '|i1'],
  [Int16Array, '<i2'],
  [Int32Array, '<i4'],
  [BigInt64Array, '<i8'],
  [Uint8Array, '|u1'],
  [Uint16Array, '<u2'],
  [Uint32Array, '<u4'],
  [BigUint64Array, '<u8'],
]);

export interface NpyParts {
  readonly shape: readonly number[];
  readonly data: NodeJS.TypedArray;
  readonly descr?: string;
  readonly fortran?: boolean;
  readonly version?: number;
}

/** An .npy file as NumPy writes it; `descr`, `fortran` and `version` may say otherwise than the data are. */
export function npy({ shape, data, descr, fortran = false, version = 1 }: NpyParts): Uint8Array {
  const code = descr ?? codes.get(data.constructor);
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  return npyWithHeader(
    `{'descr': '${code}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${dims}), }`,
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    version,
  );
}

export function npyWithHeader(header: string, data: Uint8Array, version = 1): Uint8Array {
  const lengthBytes = version === 1 ? 2 : 4;
  const start = 8 + lengthBytes;
  const padded = `${header.padEnd(Math.ceil((start + header.length + 1) / 64) * 64 - start - 1)}\n`;
  const file = Buffer.alloc(start + padded.length + data.length);
  file.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
  file.writeUIntLE(padded.length, 8, lengthBytes);
  file.write(padded, start, 'latin1');
  file.set(data, start + padded.length);
  return file;
}

/** An .npz of arrays by name. */
export function npz(arrays: Readonly<Record<string, NpyParts | Uint8Array>>, compressed = false): Uint8Array {
  return zipSync(
    Object.fromEntries(
      Object.entries(arrays).map(([name, array]) => [
        `${name}.npy`,
        array instanceof Uint8Array ? array : npy(array),
      ]),
    ),
    { level: compressed ? 6 : 0 },
  );
}
