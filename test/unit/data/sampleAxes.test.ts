import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDataset } from '../../../src/engine/data/dataset';
import { sampleAxes } from '../../../src/engine/data/sampleAxes';
import { curvatureError } from '../../support/assertions';
import { npz } from '../../support/npz';

type Shape = (number | string | null)[];
const axesOf = (...shapes: Shape[]): (number | null)[] => [
  ...sampleAxes(shapes.map((shape, i) => ({ name: String(i), shape }))).values(),
];

for (const [what, shapes, expected] of [
  ['axis 0 of images', [['N', 3, 8, 8]], [0]],
  [
    'the axis that the batch is named on',
    [
      ['batch', 'time'],
      [2, 'batch', 64],
    ],
    [0, 1],
  ],
  ['also where the first input has it elsewhere', [['time', 'batch_size', 8], ['batch_size']], [1, 0]],
  [
    'the open axis of a state whose layers are counted first',
    [
      [null, null],
      [2, null, 128],
    ],
    [0, 1],
  ],
  [
    'the axis of the batch that the file settles',
    [
      [1, 512],
      [2, 1, 64],
    ],
    [0, 1],
  ],
  ['no axis of a scalar or of a table of fixed shape', [['N', 4], [], [3, 4]], [0, null, null]],
  [
    'axis 0 where the file states a batch of 1',
    [
      ['N', 8],
      [1, 8],
    ],
    [0, 0],
  ],
  [
    'axis 0 under several names',
    [
      ['s1', 's2'],
      ['s3', 's2'],
    ],
    [0, 0],
  ],
] as [string, Shape[], (number | null)[]][]) {
  test(`samples are counted by ${what}`, () => assert.deepEqual(axesOf(...shapes), expected));
}

const spec = {
  inputs: [
    { name: 'x', elemType: 'float32', shape: ['batch', 2] },
    { name: 'state', elemType: 'float32', shape: [2, 'batch', 3] },
    { name: 'table', elemType: 'float32', shape: [4] },
  ],
};
const counting = (...shape: number[]) => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i),
});

test('arrays are read with the samples where the model has them, and kept with the samples first', () => {
  const bytes = npz({ x: counting(5, 2), state: counting(2, 5, 3), table: counting(4) });
  const dataset = openDataset(bytes, 'd.npz', spec);
  assert.equal(dataset.samples, 5);
  const { inputs } = dataset.batch(3, 1);
  assert.deepEqual([...inputs.get('state')!.data], [9, 10, 11, 24, 25, 26]);
  assert.deepEqual(inputs.get('state')!.shape, [1, 2, 3]);
  assert.deepEqual(inputs.get('table')!.shape, [4]);
});

test('an array with its samples on another axis than the model is refused, and so are counts that differ', () => {
  const refused = (state: ReturnType<typeof counting>, message: RegExp): void =>
    assert.throws(
      () => openDataset(npz({ x: counting(5, 2), state, table: counting(4) }), 'd.npz', spec),
      curvatureError('data-mismatch', message),
    );
  refused(counting(5, 2, 3), /'state' has shape \[5, 2, 3\]; the model expects \[2, samples, 3\]/);
  refused(counting(2, 4, 3), /'x' 5, 'state' 4/);
});
