import assert from 'node:assert/strict';
import { readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type ModelProto,
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
} from 'onnx-buf';
import { openModel } from '../../../src/engine/analysis/model';
import { CurvatureError } from '../../../src/engine/errors';
import { curvatureError } from '../../support/assertions';
import { Workspace } from '../../support/models';

const bytes = readFileSync('test/fixtures/models/mlp_digits_legacy.onnx');
const workspace = new Workspace();
after(() => workspace.remove());

const open = (content: Uint8Array | string) => () => openModel(workspace.write('model.onnx', content));

/** The model with its protobuf message changed. */
function changed(change: (model: ModelProto) => void): Uint8Array {
  const model = fromBinary(ModelProtoSchema, bytes);
  change(model);
  return toBinary(ModelProtoSchema, model);
}

describe('files that are no model', () => {
  for (const [what, content, message] of [
    ['empty', '', /empty/],
    ['text', 'These are my notes on the model.\n', /holds text \(it begins with "These are my notes/],
    [
      'a Git LFS pointer',
      'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n',
      /Git LFS pointer/,
    ],
    ['a zip', Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 0, 0), /truncated or damaged|no graph|operator set/],
  ] as const) {
    test(what, () => assert.throws(open(content), curvatureError('model-unreadable', message)));
  }

  test('missing', () =>
    assert.throws(
      () => openModel(path.join(workspace.folder, 'none.onnx')),
      curvatureError('model-unreadable', /none\.onnx' can't be read: there is no such file\./),
    ));

  test('cut off anywhere: an error of ours, never a crash', () => {
    for (let length = 1; length < bytes.length; length += 97) {
      assert.throws(
        open(bytes.subarray(0, length)),
        (e: unknown) => e instanceof CurvatureError && e.isBadInput,
        `cut at ${length}`,
      );
    }
  });
});

describe('models that contradict themselves', () => {
  const cases: [string, (model: ModelProto) => void, RegExp][] = [
    [
      'dimensions that the bytes do not fill',
      m => (m.graph!.initializer[0].dims = [1_000_000_000n, 1_000_000n]),
      /should hold 1000000000000000 elements, but the file has/,
    ],
    [
      'negative dimensions',
      m => (m.graph!.initializer[0].dims = [-1n, 64n]),
      /impossible dimensions \[-1, 64\]/,
    ],
    [
      'dimensions beyond any number',
      m => (m.graph!.initializer[0].dims = [2n ** 62n]),
      /impossible dimensions/,
    ],
    ['an initializer twice', m => m.graph!.initializer.push(m.graph!.initializer[0]), /is in the file twice/],
    [
      'a value with two producers',
      m => m.graph!.node.push({ ...m.graph!.node[0], name: 'again' }),
      /has two producers; the second is node "again"/,
    ],
    ['a cycle', m => (m.graph!.node[0].input[0] = m.graph!.output[0].name), /a cycle through node/],
    [
      'an input that nobody makes',
      m => (m.graph!.node[1].input[0] = 'nowhere'),
      /reads "nowhere", which nothing makes/,
    ],
    [
      'an output that nobody makes',
      m => (m.graph!.output[0].name = 'nowhere'),
      /Nothing makes the model's output "nowhere"/,
    ],
  ];
  for (const [what, change, message] of cases)
    test(what, () => assert.throws(open(changed(change)), curvatureError('model-invalid', message)));
});

describe('external data', () => {
  const external = (location: string, entries: Record<string, string> = {}) =>
    changed(m => {
      const t = m.graph!.initializer[0];
      const all = { location, ...entries };
      Object.assign(t, { rawData: new Uint8Array(), dataLocation: TensorProto_DataLocation.EXTERNAL });
      t.externalData = Object.entries(all).map(([key, value]) =>
        create(StringStringEntryProtoSchema, { key, value }),
      );
    });
  const first = fromBinary(ModelProtoSchema, bytes).graph!.initializer[0];

  test('is read at its offset', () => {
    workspace.write('weights.bin', Buffer.concat([Buffer.alloc(16), first.rawData, Buffer.alloc(5)]));
    const model = open(external('weights.bin', { offset: '16', length: String(first.rawData.length) }))();
    assert.deepEqual(
      model.graph.initializers.get(first.name)!.data,
      openModel('test/fixtures/models/mlp_digits_legacy.onnx').graph.initializers.get(first.name)!.data,
    );
  });

  for (const location of ['../secret.bin', '/etc/passwd', 'C:\\secret.bin', 'a/../../secret.bin', '']) {
    test(`at "${location}" is refused`, () =>
      assert.throws(open(external(location)), curvatureError('external-data-refused', /stores its data in/)));
  }

  test('through a link out of the folder is refused', () => {
    const link = path.join(workspace.folder, 'link.bin');
    symlinkSync(path.resolve('package.json'), link);
    assert.throws(open(external('link.bin')), curvatureError('external-data-refused', /a link out of/));
  });

  test('that is missing or too short is named', () => {
    assert.throws(
      open(external('gone.bin')),
      curvatureError('model-unreadable', /"gone\.bin", which is not beside the model/),
    );
    workspace.write('short.bin', 'abc');
    assert.throws(
      open(external('short.bin', { length: '8192' })),
      curvatureError('model-invalid', /wants bytes 0 to 8192 of short\.bin, which has 3/),
    );
  });
});
