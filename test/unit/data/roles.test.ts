import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fillOf, sampleShapes } from '../../../src/engine/data/roles';
import type { ValueInfo } from '../../../src/engine/graph/graph';
import type { ElemType } from '../../../src/engine/onnx/tensor';
import { float32Tensor, int64Tensor } from '../../../src/engine/onnx/tensor';
import { input, makeGraph } from '../../support/models';

const of = (name: string, elemType: ElemType): ValueInfo => ({
  name,
  elemType,
  shape: ['batch', 'sequence'],
});
const table = (rows: number) => float32Tensor([rows, 2], new Float32Array(2 * rows));

describe('inputs without data', () => {
  const inputs = [
    of('input_ids', 'int64'),
    of('attention_mask', 'int64'),
    of('token_type_ids', 'int64'),
    of('position_ids', 'int64'),
    of('src_key_padding_mask', 'bool'),
    of('keep', 'bool'),
    of('lengths', 'int32'),
    of('step', 'int64'),
    of('part', 'int64'),
    of('divisor', 'int32'),
    of('waves', 'float32'),
  ];
  const graph = makeGraph(inputs, { words: table(50), positions: table(32), shared: table(40) }, [
    ['Cast', ['input_ids'], 'ids', { to: { int: 7 } }],
    ['Gather', ['words', 'ids'], 'a'],
    ['Gather', ['shared', 'input_ids'], 'b'],
    ['Gather', ['positions', 'position_ids'], 'c'],
    ['Squeeze', ['part'], 'size'],
    ['SplitToSequence', ['waves', 'size'], 'd'],
    ['Mod', ['lengths', 'divisor'], 'e'],
  ]);

  for (const [name, fill] of [
    ['input_ids', { kind: 'below', limit: 40, last: undefined }],
    ['attention_mask', { kind: 'constant', value: 1 }],
    ['token_type_ids', { kind: 'constant', value: 0 }],
    ['position_ids', { kind: 'positions' }],
    ['src_key_padding_mask', { kind: 'constant', value: 0 }],
    ['keep', { kind: 'constant', value: 1 }],
    ['lengths', { kind: 'constant', value: 1 }],
    ['step', { kind: 'constant', value: 0 }],
    ['part', { kind: 'constant', value: 1 }],
    ['divisor', { kind: 'constant', value: 1 }],
    ['waves', { kind: 'normal' }],
  ] as const) {
    test(`${name}: ${JSON.stringify(fill)}`, () =>
      assert.deepEqual(
        fillOf(
          inputs.find(i => i.name === name)!,
          graph,
        ),
        fill,
      ));
  }
});

test('ids end in the one that the model looks for, unless it looks for all others', () => {
  const ids = of('input_ids', 'int64');
  const looking = (...more: Parameters<typeof makeGraph>[2]) =>
    makeGraph([ids], { words: table(50), end: int64Tensor([7], []), none: int64Tensor([-100], []) }, [
      ['Gather', ['words', 'input_ids'], 'a'],
      ['Equal', ['input_ids', 'none'], 'ignored'],
      ['Equal', ['input_ids', 'end'], 'found'],
      ...more,
    ]);
  assert.deepEqual(fillOf(ids, looking(['NonZero', ['found'], 'place'])), {
    kind: 'below',
    limit: 50,
    last: 7,
  });
  assert.deepEqual(fillOf(ids, looking(['Not', ['found'], 'kept'])), {
    kind: 'below',
    limit: 50,
    last: undefined,
  });
});

test('named dimensions agree, sums of names are sums, channels are those that the first operator reads', () => {
  const graph = makeGraph(
    [
      input('image', 'N', 'channels', 'H', 'W'),
      input('box', 'N', 'H', 4),
      input('past', 'N', 2, 'past_sequence', 8),
      input('mask', 'N', 'past_sequence + sequence'),
      input('ids', 'N', 'sequence'),
      input('rate'),
      input('row', 'N', 'features'),
    ],
    {
      kernel: float32Tensor([8, 3, 1, 1], new Float32Array(24)),
      matrix: float32Tensor([5, 2], new Float32Array(10)),
    },
    [
      ['Conv', ['image', 'kernel'], 'y'],
      ['MatMul', ['row', 'matrix'], 'z'],
    ],
  );
  assert.deepEqual(Object.fromEntries(sampleShapes(graph)), {
    image: [1, 3, 64, 64],
    box: [1, 64, 4],
    past: [1, 2, 16, 8],
    mask: [1, 32],
    ids: [1, 16],
    rate: [],
    row: [1, 5],
  });
});
