import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DatasetSpec, openDataset } from '../../../src/engine/data/dataset';
import { syntheticDataset } from '../../../src/engine/data/synthetic';
import { curvatureError } from '../../support/assertions';
import { type NpyParts, npy, npz } from '../../support/npz';

const range = (length: number): number[] => Array.from({ length }, (_, i) => i);
const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const counting = (...shape: number[]): NpyParts => ({ shape, data: Float32Array.from(range(size(shape))) });
const ids = (...shape: number[]): NpyParts => ({ shape, data: Int32Array.from(range(size(shape))) });
const labels = { shape: [3], data: BigInt64Array.of(2n, 0n, 1n) };

const image: DatasetSpec = { inputs: [{ name: 'x', elemType: 'float32', shape: ['N', 2, null] }] };
const text: DatasetSpec = {
  inputs: [
    { name: 'ids', elemType: 'int64', shape: ['N', 'T'] },
    { name: 'mask', elemType: 'int64', shape: ['N', 'T'] },
  ],
};
const open = (arrays: Record<string, NpyParts>, spec: DatasetSpec) => openDataset(npz(arrays), 'd.npz', spec);

test('arrays named as the inputs are taken, and the labels found', () => {
  const dataset = open({ x: counting(3, 2, 2), labels, extra: counting(1) }, image);
  assert.equal(dataset.samples, 3);
  assert.deepEqual([...dataset.inputs.keys()], ['x']);
  assert.deepEqual(dataset.inputs.get('x')?.shape, [3, 2, 2]);
  assert.equal(dataset.labels?.name, 'labels');
  assert.deepEqual(dataset.ignored, ['extra']);
  assert.deepEqual(dataset.notes, ["Not used from 'd.npz': 'extra'."]);
});

test('batches are views of the rows asked for, the last one shorter', () => {
  const dataset = open({ x: counting(3, 2, 2), labels }, image);
  const last = dataset.batch(2, 2);
  assert.deepEqual([last.samples, last.labels?.shape, last.labels?.data], [1, [1], BigInt64Array.of(1n)]);
  const x = last.inputs.get('x');
  assert.deepEqual(
    [x?.shape, [...(x?.data ?? [])]],
    [
      [1, 2, 2],
      [8, 9, 10, 11],
    ],
  );
  assert.equal(x?.data.buffer, dataset.inputs.get('x')?.data.buffer);
});

test('the first so many samples are used where a number is given', () => {
  const arrays = { x: counting(3, 2, 2), labels };
  const two = open(arrays, { ...image, samples: 2 });
  assert.deepEqual([two.samples, two.labels?.shape, two.notes], [2, [2], []]);
  assert.equal(two.batch(0, 10).samples, 2);
  const all = open(arrays, { ...image, samples: 9 });
  assert.equal(all.samples, 3);
  assert.match(all.notes[0], /9 samples were asked for; the file holds 3/);
});

test('labels go by their usual names, by a given one, and never by an input', () => {
  for (const name of ['labels', 'targets', 'y', 'label']) {
    assert.equal(open({ x: counting(3, 2, 1), [name]: labels }, image).labels?.name, name);
  }
  assert.equal(
    open({ x: counting(3, 2, 1), classes: labels, y: labels }, { ...image, labels: 'classes' }).labels?.name,
    'classes',
  );
  const y: DatasetSpec = { inputs: [{ name: 'y', elemType: 'float32', shape: [null, 2] }] };
  assert.equal(open({ y: counting(3, 2) }, y).labels, undefined);
});

test('an array with a usual name is the one input of the model, beside others too', () => {
  const dataset = open({ images: counting(3, 2, 1), labels }, image);
  const beside = open({ inputs: counting(3, 2, 1), labels, extra: counting(3, 1) }, image);
  assert.equal(beside.inputs.get('x')?.name, 'x');
  assert.match(beside.notes.join(), /Not used from .*'extra'/);
  assert.equal(dataset.inputs.get('x')?.name, 'x');
  assert.deepEqual(dataset.notes, ["Array 'images' is taken as the model's only input, 'x'."]);
  const single = openDataset(npy(counting(3, 2, 1)), 'some/digits.npy', image);
  assert.deepEqual([single.samples, single.labels], [3, undefined]);
});

test('any other name is refused, and so are two arrays that both could be meant', () => {
  const files: Record<string, NpyParts>[] = [
    { wrong: counting(3, 2, 1) },
    { images: counting(3, 2, 1), data: counting(3, 2, 1) },
  ];
  for (const arrays of files) {
    assert.throws(() => open({ ...arrays, labels }, image), {
      code: 'data-mismatch',
      message: /'x'; found: '/,
    });
  }
});

const conversions: [string, NpyParts, string, NodeJS.TypedArray][] = [
  [
    'float64 to float32',
    { shape: [2, 1], data: Float64Array.of(0.1, -3) },
    'float32',
    Float32Array.of(0.1, -3),
  ],
  ['uint8 to float32', { shape: [2, 1], data: Uint8Array.of(255, 0) }, 'float32', Float32Array.of(255, 0)],
  ['int64 to float32', { shape: [2, 1], data: BigInt64Array.of(-5n, 7n) }, 'float32', Float32Array.of(-5, 7)],
  [
    'float32 to float64',
    { shape: [2, 1], data: Float32Array.of(0.5, 2) },
    'float64',
    Float64Array.of(0.5, 2),
  ],
  ['int32 to int64', { shape: [2, 1], data: Int32Array.of(-5, 7) }, 'int64', BigInt64Array.of(-5n, 7n)],
  ['int64 to int32', { shape: [2, 1], data: BigInt64Array.of(-5n, 7n) }, 'int32', Int32Array.of(-5, 7)],
  [
    'bool to int64',
    { shape: [2, 1], data: Uint8Array.of(1, 0), descr: '|b1' },
    'int64',
    BigInt64Array.of(1n, 0n),
  ],
];
for (const [name, x, elemType, expected] of conversions) {
  test(`converts ${name}, and says so`, () => {
    const dataset = open({ x }, { inputs: [{ name: 'x', elemType, shape: [null, 1] }] });
    const array = dataset.inputs.get('x');
    assert.deepEqual([array?.dtype, array?.data, array?.shape], [elemType, expected, [2, 1]]);
    assert.deepEqual(dataset.notes, [`Array 'x' was converted from ${name}.`]);
  });
}

const wants = (elemType: string): DatasetSpec => ({ inputs: [{ name: 'x', elemType, shape: [null, 2] }] });
const holding = (...values: number[]): NpyParts => ({
  shape: [values.length / 2, 2],
  data: Float32Array.from(values),
});
const refused: [string, Record<string, NpyParts>, DatasetSpec, RegExp][] = [
  [
    'names that are not the inputs',
    { a: counting(3, 2), b: counting(3, 2) },
    wants('float32'),
    /'d.npz' has no array for the model's input 'x'; found: 'a', 'b'/,
  ],
  ['one of two inputs missing', { ids: ids(3, 2), labels }, text, /input 'mask'; found: 'ids', 'labels'/],
  [
    'a labels name that is not there',
    { x: counting(3, 2) },
    { ...wants('float32'), labels: 'z' },
    /no array 'z' for the labels; found: 'x'/,
  ],
  [
    'a wrong rank',
    { x: counting(3, 2, 2, 1) },
    image,
    /'x' has shape \[3, 2, 2, 1\]; the model expects \[samples, 2, \?\]/,
  ],
  [
    'a wrong fixed dimension',
    { x: counting(3, 5, 2) },
    image,
    /'x' has shape \[3, 5, 2\]; the model expects \[samples, 2, \?\]/,
  ],
  [
    'symbolic dimensions that differ',
    { ids: ids(3, 4), mask: ids(3, 5) },
    text,
    /'T' of the model is 4 in array 'ids' and 5 in 'mask'/,
  ],
  [
    'floats for integers',
    { x: counting(3, 2) },
    wants('int64'),
    /'x' is float32; the model's input is int64/,
  ],
  ['integers for bools', { x: ids(3, 2) }, wants('bool'), /'x' is int32; the model's input is bool/],
  [
    'integers out of range',
    { x: { shape: [1, 2], data: BigInt64Array.of(1n, 300n) } },
    wants('uint8'),
    /'x' holds 300 at \[0, 1\], outside the range of the model's uint8/,
  ],
  [
    'negative numbers for unsigned ones',
    { x: { shape: [1, 2], data: Int32Array.of(-1, 3) } },
    wants('uint64'),
    /'x' holds -1 at \[0, 0\]/,
  ],
  [
    'NaN',
    { x: holding(1, 2, 3, NaN, NaN, 6) },
    wants('float32'),
    /'x' holds NaN at \[1, 1\]; finite numbers/,
  ],
  ['infinity', { x: holding(1, 2, -Infinity, 4) }, wants('float32'), /'x' holds -Infinity at \[1, 0\]/],
  [
    'float64 too large for float32',
    { x: { shape: [1, 2], data: Float64Array.of(0, 1e39) } },
    wants('float32'),
    /'x' holds Infinity at \[0, 1\]/,
  ],
  [
    'NaN among the targets',
    { x: counting(2, 2), targets: holding(0, 1, NaN, 3) },
    wants('float32'),
    /'targets' holds NaN at \[1, 0\]/,
  ],
  [
    'sample counts that differ',
    { x: counting(4, 2), labels },
    wants('float32'),
    /differ in their number of samples: 'x' 4, 'labels' 3/,
  ],
  [
    'labels without an axis',
    { x: counting(3, 2), labels: { shape: [], data: Int32Array.of(1) } },
    wants('float32'),
    /'labels' none/,
  ],
  ['no samples', { x: counting(0, 2) }, wants('float32'), /hold no samples/],
  [
    'an input without an axis of samples',
    { x: counting() },
    { inputs: [{ name: 'x', elemType: 'float32', shape: [] }] },
    /No input of the model has an axis of samples/,
  ],
];
for (const [what, arrays, spec, message] of refused) {
  test(`refuses ${what}`, () => {
    assert.throws(() => open(arrays, spec), curvatureError('data-mismatch', message));
  });
}

test('an input of strings is not supported', () => {
  assert.throws(
    () => open({ x: counting(3, 2) }, wants('string')),
    curvatureError('model-unsupported', /'x' is of type string/),
  );
});

test('the batch axis may share its symbol and its fixed number is not held against the data', () => {
  const spec: DatasetSpec = { inputs: [{ name: 'x', elemType: 'float32', shape: [1, 2] }] };
  assert.equal(open({ x: counting(3, 2) }, spec).samples, 3);
  const square: DatasetSpec = { inputs: [{ name: 'x', elemType: 'float32', shape: ['N', 'N'] }] };
  assert.equal(open({ x: counting(3, 2) }, square).samples, 3);
});

test('ids end in the one that is looked for, which stands nowhere else', () => {
  const fill = { kind: 'below', limit: 5, last: 2 } as const;
  const ids = { name: 'ids', elemType: 'int64', shape: [1, 10], sampleAxis: 0, fill };
  const data = [...syntheticDataset([ids], 30, 1).inputs.get('ids')!.data].map(Number);
  data.forEach((id, i) => assert.equal(id === 2, i % 10 === 9));
  assert.deepEqual([...new Set(data)].sort(), [0, 1, 2, 3, 4]);
});

test('synthetic inputs are seeded, typed and within their limits', () => {
  const inputs = [
    { name: 'x', elemType: 'float32', shape: [1, 3, 50], sampleAxis: 0, fill: { kind: 'normal' } },
    { name: 'ids', elemType: 'int64', shape: [1, 100], sampleAxis: 0, fill: { kind: 'below', limit: 7 } },
    { name: 'mask', elemType: 'bool', shape: [1, 100], sampleAxis: 0, fill: { kind: 'constant', value: 1 } },
    { name: 'positions', elemType: 'int64', shape: [1, 3], sampleAxis: 0, fill: { kind: 'positions' } },
    { name: 'rate', elemType: 'int32', shape: [], sampleAxis: null, fill: { kind: 'constant', value: 0 } },
  ] as const;
  const dataset = syntheticDataset(inputs, 20, 1);
  const { data, shape } = dataset.inputs.get('x') ?? assert.fail();
  assert.deepEqual(shape, [20, 3, 50]);
  const values = data as Float32Array;
  const mean = values.reduce((a, b) => a + b, 0) / 3000;
  const variance = values.reduce((a, b) => a + b * b, 0) / 3000;
  assert.ok(
    Math.abs(mean) < 5 / Math.sqrt(3000) && Math.abs(variance - 1) < 5 * Math.sqrt(2 / 3000),
    `${mean} ${variance}`,
  );
  assert.deepEqual([...new Set<unknown>(dataset.inputs.get('ids')?.data as BigInt64Array)].sort(), [
    0n,
    1n,
    2n,
    3n,
    4n,
    5n,
    6n,
  ]);
  assert.deepEqual([...new Set(dataset.inputs.get('mask')?.data as Uint8Array)], [1]);
  assert.deepEqual(
    dataset.batch(3, 2).inputs.get('positions')?.data,
    BigInt64Array.of(0n, 1n, 2n, 0n, 1n, 2n),
  );
  assert.deepEqual(dataset.batch(3, 2).inputs.get('rate')?.shape, []);

  assert.deepEqual(syntheticDataset(inputs.slice(0, 1), 20, 1).inputs.get('x')?.data, data);
  assert.notDeepEqual(syntheticDataset(inputs, 20, 2).inputs.get('x')?.data, data);
  assert.throws(
    () =>
      syntheticDataset(
        [{ name: 's', elemType: 'string', shape: [1], sampleAxis: 0, fill: { kind: 'normal' } }],
        1,
        0,
      ),
    curvatureError('model-unsupported', /'s' is of type string/),
  );
});

test('samples at the beginning may be skipped, of inputs and labels alike', () => {
  const bytes = npz({
    x: { shape: [4, 2], data: Float32Array.of(0, 0, 1, 1, 2, 2, 3, 3) },
    labels: { shape: [4], data: BigInt64Array.of(0n, 1n, 2n, 3n) },
  });
  const inputs = [{ name: 'x', elemType: 'float32', shape: ['N', 2] }];
  const rest = openDataset(bytes, 'd.npz', { inputs, skip: 1, samples: 2 });
  assert.equal(rest.samples, 2);
  assert.deepEqual(rest.inputs.get('x')!.data, Float32Array.of(1, 1, 2, 2));
  assert.deepEqual(rest.labels!.data, BigInt64Array.of(1n, 2n));
  assert.match(
    openDataset(bytes, 'd.npz', { inputs, skip: 3, samples: 2 }).notes[0],
    /2 samples were asked for; the file holds 1 after the 3 skipped/,
  );
  assert.throws(
    () => openDataset(bytes, 'd.npz', { inputs, skip: 4 }),
    curvatureError('data-mismatch', /4 samples are to be skipped, and the data hold 4: none is left/),
  );
});
