import assert from 'node:assert/strict';
import { existsSync, readFileSync, truncateSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
  SparseTensorProtoSchema,
  TensorProto_DataType,
  TensorProtoSchema,
} from 'onnx-buf';
import { openModel } from '../../../src/engine/analysis/model';
import { encodeApart, encodeGraph } from '../../../src/engine/graph/toModel';
import { writeGraph } from '../../../src/engine/graph/writeGraph';
import {
  decodeTensor,
  encodeTensor,
  float32Tensor,
  int64Tensor,
  type Tensor,
} from '../../../src/engine/onnx/tensor';
import { Session } from '../../../src/engine/runtime/session';
import { curvatureError } from '../../support/assertions';
import { input, makeGraph, Workspace } from '../../support/models';

const workspace = new Workspace();
after(() => workspace.remove());

/** A model of one MatMul by a weight `w` of shape [2, 3], changed before it is opened. */
function opened(change: (model: ModelProto) => void): Tensor {
  const graph = makeGraph([input('x', 1, 2)], { w: float32Tensor([2, 3], [1, 2, 3, 4, 5, 6]) }, [
    ['MatMul', ['x', 'w'], 'y'],
  ]);
  const model = fromBinary(ModelProtoSchema, encodeGraph(graph));
  change(model);
  return openModel(workspace.write('model.onnx', toBinary(ModelProtoSchema, model))).graph.initializers.get(
    'w',
  )!;
}

/** Takes the weight out of the initializers and makes it by a node. */
const byNode = (model: ModelProto, node: Parameters<typeof create<typeof NodeProtoSchema>>[1]): void => {
  model.graph!.initializer = [];
  model.graph!.node.unshift(create(NodeProtoSchema, { output: ['w'], ...node }));
};

describe('integers of 2 and 4 bits', () => {
  for (const [elemType, values] of [
    ['int2', Int8Array.of(-2, 1, -1, 0, 1)],
    ['uint2', Uint8Array.of(3, 0, 2, 1, 3)],
    ['int4', Int8Array.of(-8, 7, -1, 0, 3)],
    ['uint4', Uint8Array.of(15, 0, 8, 7, 9)],
  ] as const) {
    test(`${elemType} is packed and unpacked`, () => {
      const proto = encodeTensor('t', { elemType, shape: [5], data: values });
      assert.equal(proto.rawData.length, elemType.endsWith('2') ? 2 : 3);
      assert.deepEqual(Array.from(decodeTensor(proto).data as Int8Array), Array.from(values));
      const listed = create(TensorProtoSchema, {
        ...proto,
        rawData: new Uint8Array(),
        int32Data: Array.from(proto.rawData),
      });
      assert.deepEqual(Array.from(decodeTensor(listed).data as Int8Array), Array.from(values));
    });
  }

  test('too few bytes are refused', () => {
    const proto = encodeTensor('t', { elemType: 'int4', shape: [4], data: Int8Array.of(1, 2, 3, 4) });
    proto.dims = [40n];
    assert.throws(() => decodeTensor(proto), curvatureError('model-invalid', /should hold 40 elements/));
  });
});

describe('weights that are not written as plain initializers', () => {
  const sparse = (indices: Tensor, dims: number[]) =>
    create(SparseTensorProtoSchema, {
      values: encodeTensor('w', float32Tensor([2], [7, 9])),
      indices: encodeTensor('', indices),
      dims: dims.map(BigInt),
    });

  for (const [form, indices] of [
    ['positions', int64Tensor([1, 5])],
    ['coordinates', int64Tensor([0, 1, 1, 2], [2, 2])],
  ] as const) {
    test(`sparse, by ${form}`, () => {
      const w = opened(m => {
        m.graph!.initializer = [];
        m.graph!.sparseInitializer = [sparse(indices, [2, 3])];
      });
      assert.deepEqual(w, float32Tensor([2, 3], [0, 7, 0, 0, 0, 9]));
    });
  }

  test('sparse, as a Constant', () => {
    const attribute = create(AttributeProtoSchema, {
      name: 'sparse_value',
      type: AttributeProto_AttributeType.SPARSE_TENSOR,
      sparseTensor: sparse(int64Tensor([1, 5]), [2, 3]),
    });
    const w = opened(m => byNode(m, { opType: 'Constant', attribute: [attribute] }));
    assert.deepEqual(w, float32Tensor([2, 3], [0, 7, 0, 0, 0, 9]));
  });

  for (const [what, indices, dims, message] of [
    ['outside', int64Tensor([1, 6]), [2, 3], /has a value at \[6\], outside \[2, 3\]/],
    ['below zero', int64Tensor([0, -1, 0, 0], [2, 2]), [2, 3], /has a value at \[0, -1\]/],
    ['too few', int64Tensor([1]), [2, 3], /has 2 values, but indices for 1/],
    [
      'of a size that would take all memory',
      int64Tensor([1, 5]),
      [2 ** 30, 2 ** 20],
      /impossible dimensions/,
    ],
  ] as const) {
    test(`sparse indices ${what} are refused`, () =>
      assert.throws(
        () =>
          opened(m => {
            m.graph!.initializer = [];
            m.graph!.sparseInitializer = [sparse(indices, [...dims])];
          }),
        curvatureError('model-invalid', message),
      ));
  }

  test('filled, in half precision', () => {
    const value = encodeTensor('', { elemType: 'float16', shape: [1], data: Uint16Array.of(0x3800) });
    const attribute = create(AttributeProtoSchema, {
      name: 'value',
      type: AttributeProto_AttributeType.TENSOR,
      t: value,
    });
    const w = opened(m => {
      byNode(m, { opType: 'ConstantOfShape', input: ['dims'], attribute: [attribute] });
      m.graph!.initializer = [encodeTensor('dims', int64Tensor([2, 3]))];
    });
    assert.deepEqual(w, float32Tensor([2, 3], new Float32Array(6).fill(0.5)));
  });
});

describe('text', () => {
  const words = create(TensorProtoSchema, {
    name: 'classes',
    dims: [2n],
    dataType: TensorProto_DataType.STRING,
    stringData: ['cat', 'dog'].map(s => new TextEncoder().encode(s)),
  });

  test('is ignored where nothing computes with it', () => {
    const constant = create(NodeProtoSchema, {
      opType: 'Constant',
      output: ['more'],
      attribute: [
        create(AttributeProtoSchema, { name: 'value', type: AttributeProto_AttributeType.TENSOR, t: words }),
      ],
    });
    assert.deepEqual(
      opened(m => {
        m.graph!.initializer.push(words);
        m.graph!.node.push(constant);
      }).shape,
      [2, 3],
    );
  });

  test('is refused where something does', () =>
    assert.throws(
      () =>
        opened(m => {
          m.graph!.initializer.push(words);
          m.graph!.node.push(
            create(NodeProtoSchema, { opType: 'Identity', input: ['classes'], output: ['z'] }),
          );
        }),
      curvatureError('model-unsupported', /"classes" has element type STRING/),
    ));
});

describe('weights beside the graph', () => {
  // Over the limit from which a session takes them apart.
  const large = Float32Array.from({ length: 600 * 600 }, (_, i) => Math.sin(i));
  const small = Float32Array.from({ length: 600 }, (_, i) => Math.cos(i));
  const graph = makeGraph(
    [input('x', 1, 600)],
    {
      large: float32Tensor([600, 600], large),
      small: float32Tensor([600], small),
      few: int64Tensor([1, 600]),
    },
    [
      ['MatMul', ['x', 'large'], 'h'],
      ['Reshape', ['h', 'few'], 'r'],
      ['Add', ['r', 'small'], 'y'],
    ],
  );

  test('serve a session as those within it', async () => {
    const { model, beside } = encodeApart(graph);
    assert.equal(beside.length, 1);
    assert.ok(model.length < 10_000);
    const session = await Session.create(graph);
    const x = Float32Array.from({ length: 600 }, (_, i) => (i === 7 ? 1 : 0));
    const { y } = await session.run({ x: float32Tensor([1, 600], x) });
    await session.dispose();
    for (const i of [0, 1, 599])
      assert.ok(Math.abs(Number(y.data[i]) - (large[7 * 600 + i] + small[i])) < 1e-6);
  });

  test('are written to a file of their own where one can not hold all', () => {
    const file = workspace.write('apart.onnx', '');
    writeGraph(file, graph, [], 1_000_000);
    assert.ok(readFileSync(file).length < 10_000);
    const read = openModel(file).graph.initializers;
    assert.deepEqual(read.get('large')!.data, large);
    assert.deepEqual(read.get('small')!.data, small);
    const { graph: stored } = fromBinary(ModelProtoSchema, readFileSync(file));
    assert.deepEqual(
      stored!.initializer.filter(t => t.externalData.length === 0).map(t => t.name),
      ['few'],
      'a reader may need small ones while it loads the file',
    );
    truncateSync(`${file}.data`, 1000);
    assert.throws(
      () => openModel(file),
      curvatureError('model-invalid', /wants bytes 0 to 1440000 of apart.onnx.data/),
    );
  });

  test('stay in the file where it can', () => {
    const file = workspace.write('whole.onnx', '');
    writeGraph(file, graph, []);
    assert.ok(!existsSync(`${file}.data`));
    assert.deepEqual(openModel(file).graph.initializers.get('large')!.data, large);
  });
});
