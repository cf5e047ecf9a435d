import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, TypeProto_SequenceSchema, TypeProtoSchema, ValueInfoProtoSchema } from 'onnx-buf';
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { analyze, coverage, describeModel } from '../../src/engine';
import { defaultOptions } from '../../src/engine/analysis/options';
import type { Graph } from '../../src/engine/graph/graph';
import { encodeGraph } from '../../src/engine/graph/toModel';
import { float32Tensor, int64Tensor } from '../../src/engine/onnx/tensor';
import { Rng } from '../../src/engine/util/rng';
import { assertClose, curvatureError } from '../support/assertions';
import { input, makeGraph, type NodeSpec, Workspace } from '../support/models';

const workspace = new Workspace();
after(() => workspace.remove());
const random = Rng.of(12, 'sequences');
const normals = (...shape: number[]) => float32Tensor(shape, random.normals(shape[0] * shape[1]));
const weights = { before: normals(6, 4), behind: normals(2, 3) };
const half = { size: int64Tensor([2], []), first: int64Tensor([0], []) };
const axis = { axis: { int: 1 } };

/** The first half of a hidden vector, taken out of a sequence of its parts. */
const parts: NodeSpec[] = [
  ['MatMul', ['x', 'before'], 'a'],
  ['SplitToSequence', ['a', 'size'], 'parts', axis],
  ['SequenceAt', ['parts', 'first'], 'b'],
  ['MatMul', ['b', 'behind'], 'y'],
];
const split = makeGraph([input('x', 'N', 6)], { ...weights, ...half }, parts);
const cut = makeGraph(
  [input('x', 'N', 6)],
  { ...weights, from: int64Tensor([0]), to: int64Tensor([2]), along: int64Tensor([1]) },
  [parts[0], ['Slice', ['a', 'from', 'to', 'along'], 'b'], parts[3]],
);
const measure = (name: string, graph: Graph) =>
  analyze({ ...defaultOptions, model: workspace.model(name, graph), eigenvalues: 0, loss: 'mse' });

test('layers before a sequence are measured by differences, and those behind it exactly', async () => {
  const { layers, operators } = await coverage(workspace.model('split.onnx', split));
  assert.deepEqual(operators.map(o => [o.opType, o.support]).sort(), [
    ['MatMul', 'exact'],
    ['SequenceAt', 'differences'],
    ['SplitToSequence', 'differences'],
  ]);
  assert.deepEqual(
    layers.map(l => [l.name, l.method]),
    [
      ['before', 'differences'],
      ['behind', 'exact'],
    ],
  );
  const [found, expected] = [await measure('split.onnx', split), await measure('cut.onnx', cut)];
  const traces = (report: typeof found) => report.layers.map(l => l.trace.ggn!);
  assertClose(traces(found)[1].estimate, traces(expected)[1].estimate, 1e-4);
  const { estimate, stderr } = traces(found)[0];
  assert.ok(Math.abs(estimate - traces(expected)[0].estimate) <= 3 * stderr);
});

test('outputs that are sequences or optional values are left out, and can not be asked for', async () => {
  const optional = makeGraph(split.inputs, { ...weights, ...half }, [
    ...parts,
    ['Optional', ['y'], 'perhaps'],
  ]);
  const both = { ...optional, outputs: ['parts', 'perhaps', 'y'] };
  const report = await measure('both.onnx', both);
  assert.equal(report.model.output, 'y');
  const model = workspace.model('both.onnx', both);
  await assert.rejects(
    analyze({ ...defaultOptions, model, outputs: ['parts'] }),
    curvatureError('model-unsupported', /"parts" is no tensor/),
  );
});

test('the model is described whatever its outputs are, and where they have no types', async () => {
  const model = fromBinary(ModelProtoSchema, encodeGraph({ ...split, outputs: ['parts', 'a', 'y'] }));
  const typed = (name: string, value: MessageInitShape<typeof TypeProtoSchema>['value']) =>
    create(ValueInfoProtoSchema, { name, type: create(TypeProtoSchema, { value }) });
  model.graph!.output[0] = typed('parts', { case: 'sequenceType', value: create(TypeProto_SequenceSchema) });
  model.graph!.output[1] = typed('a', { case: 'tensorType', value: { elemType: 1 } });
  const file = workspace.write('typed.onnx', toBinary(ModelProtoSchema, model));
  assert.deepEqual(
    (await describeModel(file)).outputs.map(o => [o.name, o.elemType, o.shape]),
    [
      ['parts', 'sequence', undefined],
      ['a', 'float32', undefined],
      ['y', 'unknown', undefined],
    ],
  );
});

test('data by which ONNX Runtime would divide by 0 are refused, and the process lives', async () => {
  const open = {
    ...split,
    inputs: [input('x', 'N', 6), { name: 'size', elemType: 'int64' as const, shape: [] }],
    initializers: new Map([...split.initializers].filter(([name]) => name !== 'size')),
  };
  const size = { shape: [], data: BigInt64Array.of(0n) };
  const data = workspace.npz('zero.npz', { x: { shape: [2, 6], data: new Float32Array(12) }, size });
  await assert.rejects(
    analyze({ ...defaultOptions, model: workspace.model('open.onnx', open), data }),
    curvatureError('runtime-failed', /"size" is 0: its libraries ended the process \(SIGFPE\)/),
  );
});

test('a size that has no data is not made up as 0, by which ONNX Runtime would divide', async () => {
  const open = {
    ...split,
    inputs: [input('x', 'N', 6), { name: 'size', elemType: 'int64' as const, shape: [] }],
    initializers: new Map([...split.initializers].filter(([name]) => name !== 'size')),
    outputs: ['b'],
    nodes: split.nodes.slice(0, 3),
  };
  const { layers } = await coverage(workspace.model('open.onnx', open));
  assert.deepEqual(
    layers.map(l => [l.name, l.method]),
    [['before', 'differences']],
  );
});
