import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openArrays } from '../../../src/engine/data/npz';
import { curvatureError } from '../../support/assertions';
import { npy, npyWithHeader, npz, type NpyParts } from '../../support/npz';
import { numpyFiles } from '../../support/numpyFiles';

const quarters = Array.from({ length: 12 }, (_, i) => i / 4 - 1);
const plain = { shape: [2], data: Float32Array.of(1, 2) };

test('reads what NumPy stored', () => {
  const file = openArrays(Buffer.from(numpyFiles.stored, 'base64'), 'data.npz');
  assert.deepEqual(file.names, ['input', 'labels']);
  assert.deepEqual(file.read('input'), {
    name: 'input',
    dtype: 'float32',
    shape: [2, 3, 2],
    data: Float32Array.from(quarters),
  });
  assert.deepEqual(file.read('labels'), {
    name: 'labels',
    dtype: 'int64',
    shape: [2],
    data: BigInt64Array.of(1n, 0n),
  });
});

test('reads what NumPy compressed: column-major order, halves, bools', () => {
  const file = openArrays(Buffer.from(numpyFiles.compressed, 'base64'), 'data.npz');
  const input = file.read('input');
  assert.deepEqual([input.dtype, input.shape, [...input.data]], ['float64', [2, 3, 2], quarters]);
  const halves = file.read('h');
  assert.deepEqual([halves.dtype, [...halves.data]], ['float16', [1.5, -2, 2 ** -24, 65504, -Infinity]]);
  assert.deepEqual([file.read('flag').dtype, [...file.read('flag').data]], ['bool', [1, 0]]);
});

const kinds: [string, NodeJS.TypedArray][] = [
  ['float32', Float32Array.of(1.5, -0.25)],
  ['float64', Float64Array.of(Math.PI, 1e300)],
  ['int8', Int8Array.of(-128, 127)],
  ['int16', Int16Array.of(-32768, 32767)],
  ['int32', Int32Array.of(-(2 ** 31), 7)],
  ['int64', BigInt64Array.of(-(2n ** 63n), 2n ** 53n + 1n)],
  ['uint8', Uint8Array.of(0, 255)],
  ['uint16', Uint16Array.of(0, 65535)],
  ['uint32', Uint32Array.of(0, 2 ** 32 - 1)],
  ['uint64', BigUint64Array.of(0n, 2n ** 64n - 1n)],
];
for (const [dtype, data] of kinds) {
  test(`reads ${dtype} from .npz and .npy, aligned or not`, () => {
    const expected = { name: 'x', dtype, shape: [2], data };
    for (const compressed of [false, true]) {
      assert.deepEqual(openArrays(npz({ x: { shape: [2], data } }, compressed), 'x.npz').read('x'), expected);
    }
    for (const offset of [0, 1, 4]) {
      const shifted = Buffer.concat([Buffer.alloc(offset), npy({ shape: [2], data })]).subarray(offset);
      assert.deepEqual(openArrays(shifted, 'folder/x.npy').read('x'), expected, `offset ${offset}`);
    }
  });
}

test('reads headers of versions 2 and 3, scalars and empty arrays', () => {
  const read = (parts: NpyParts) => openArrays(npy(parts), 'a.npy').read('a');
  for (const version of [2, 3]) assert.deepEqual([...read({ ...plain, version }).data], [1, 2]);
  assert.deepEqual(read({ shape: [], data: Int32Array.of(5) }), {
    name: 'a',
    dtype: 'int32',
    shape: [],
    data: Int32Array.of(5),
  });
  assert.deepEqual(read({ shape: [0, 3], data: new Float32Array(0) }).shape, [0, 3]);
});

test('column-major order of any rank becomes row-major', () => {
  const shape = [2, 3, 4, 2];
  const rowMajor = Int32Array.from({ length: 48 }, (_, i) => i);
  const columnMajor = new Int32Array(48);
  for (let i = 0; i < 48; i++) {
    const [a, b, c, d] = [Math.floor(i / 24), Math.floor(i / 8) % 3, Math.floor(i / 2) % 4, i % 2];
    columnMajor[a + 2 * b + 6 * c + 24 * d] = i;
  }
  const array = openArrays(npy({ shape, data: columnMajor, fortran: true }), 'f.npy').read('f');
  assert.deepEqual(array.data, rowMajor);
});

const header = (text: string): Uint8Array => npyWithHeader(text, new Uint8Array(64));
const refused: [string, Uint8Array, RegExp][] = [
  ['objects', npy({ ...plain, descr: '|O' }), /'x' can't be read: its type '\|O' holds Python objects/],
  ['big-endian numbers', npy({ ...plain, descr: '>f4' }), /type '>f4' is big-endian/],
  ['strings', npy({ ...plain, descr: '<U5' }), /type '<U5' is not supported/],
  ['complex numbers', npy({ ...plain, descr: '<c8' }), /type '<c8' is not supported/],
  [
    'named fields',
    header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }"),
    /structured array/,
  ],
  [
    'a header without a shape',
    header("{'descr': '<f4', 'fortran_order': False}"),
    /header is damaged: '\{'descr'/,
  ],
  [
    'a shape of text',
    header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, x)}"),
    /header is damaged/,
  ],
  [
    'negative dimensions',
    header("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}"),
    /header is damaged/,
  ],
  [
    'dimensions that lie',
    header("{'descr': '<f4', 'fortran_order': False, 'shape': (4000000000, 4000000000)}"),
    /promises 4000000000 × 4000000000 elements of 4 bytes, but 64 bytes follow/,
  ],
  ['data cut off', npy(plain).slice(0, -1), /promises 2 elements of 4 bytes, but 7 bytes follow/],
  ['a header cut off', npy(plain).slice(0, 40), /header is cut off/],
  [
    'other content under the name',
    new TextEncoder().encode('hello, this is text'),
    /does not begin as a .npy array/,
  ],
];
for (const [what, bytes, message] of refused) {
  test(`refuses ${what}`, () => {
    const file = openArrays(npz({ x: bytes, fine: plain }), 'data.npz');
    assert.throws(() => file.read('x'), curvatureError('data-unreadable', message));
    assert.deepEqual([...file.read('fine').data], [1, 2]);
  });
}

const archive = npz({ x: { shape: [400], data: new Float32Array(400) } }, true);
const withBytes = (change: (copy: Buffer) => void): Uint8Array => {
  const copy = Buffer.from(archive);
  change(copy);
  return copy;
};
const directory = Buffer.from(archive).indexOf('PK\x01\x02', 0, 'latin1');
const brokenFiles: [string, Uint8Array, RegExp][] = [
  ['an empty file', new Uint8Array(0), /neither an .npz nor an .npy/],
  ['text', new TextEncoder().encode('a,b\n1,2\n'), /'data.npz' is neither an .npz nor an .npy/],
  ['a file cut in half', archive.slice(0, archive.length / 2), /can't be read as an .npz file/],
  ['an archive without arrays', npz({}), /holds no .npy array/],
  [
    'a size that nothing could inflate to',
    withBytes(b => b.writeUInt32LE(2 ** 31, directory + 24)),
    /promises 2147483648/,
  ],
  ['compressed bytes that were damaged', withBytes(b => b.fill(0xff, 40, 60)), /can't be read/],
  ['an unknown compression', withBytes(b => b.writeUInt16LE(14, directory + 10)), /unknown compression/],
];
for (const [what, bytes, message] of brokenFiles) {
  test(`refuses ${what}`, () => {
    assert.throws(() => openArrays(bytes, 'data.npz').read('x'), curvatureError('data-unreadable', message));
  });
}

test('every truncation of a good file is refused, never a crash', () => {
  for (const whole of [archive, npz({ x: plain }), npy(plain)]) {
    for (let length = 0; length < whole.length; length++) {
      const open = () => openArrays(whole.slice(0, length), 'x').read('x');
      assert.throws(open, curvatureError('data-unreadable', /./), `length ${length}`);
    }
  }
});
