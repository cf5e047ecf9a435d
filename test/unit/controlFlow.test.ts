import { create } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProto_AttributeType as Kind,
  AttributeProtoSchema,
  GraphProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { analyze, coverage } from '../../src/engine';
import { defaultOptions } from '../../src/engine/analysis/options';
import type { Attribute } from '../../src/engine/graph/graph';
import { liftWeights } from '../../src/engine/graph/subgraphs';
import {
  decodeTensor,
  encodeTensor,
  float32Tensor,
  int64Tensor,
  type Tensor,
} from '../../src/engine/onnx/tensor';
import { Rng } from '../../src/engine/util/rng';
import { input, makeGraph, type NodeSpec, Workspace } from '../support/models';

const workspace = new Workspace();
after(() => workspace.remove());
const random = Rng.of(6, 'control flow');
const normals = (...shape: number[]) =>
  float32Tensor(
    shape,
    Float32Array.from({ length: shape[0] * shape[1] }, () => random.normal() / 2),
  );
const [own, outer, behind] = [normals(6, 4), normals(6, 4), normals(4, 3)];

/** A branch that multiplies x by a weight: its own, in a Constant node, or one of the graph around it. */
function branch(name: string, weight: string, holdsIt: boolean): Attribute {
  const result = `${name}_result`;
  const constant = create(NodeProtoSchema, {
    ...{ opType: 'Constant', output: [weight] },
    attribute: [
      create(AttributeProtoSchema, { name: 'value', type: Kind.TENSOR, t: encodeTensor(weight, own) }),
    ],
  });
  const product = create(NodeProtoSchema, { opType: 'MatMul', input: ['x', weight], output: [result] });
  const g = create(GraphProtoSchema, {
    name,
    node: [...(holdsIt ? [constant] : []), product],
    output: [create(ValueInfoProtoSchema, { name: result })],
  });
  return { proto: create(AttributeProtoSchema, { name, type: Kind.GRAPH, g }) };
}

const head: NodeSpec[] = [
  ['Tanh', ['a'], 'b'],
  ['MatMul', ['b', 'behind'], 'y'],
];
/** Which branch is taken depends on the data. */
const conditional = makeGraph([input('x', 'N', 6)], { outer, behind, zero: float32Tensor([], [0]) }, [
  ['ReduceMax', ['x'], 'largest', { keepdims: { int: 0 } }],
  ['Greater', ['largest', 'zero'], 'condition'],
  [
    'If',
    ['condition'],
    'a',
    { then_branch: branch('then_branch', 'own', true), else_branch: branch('else_branch', 'outer', false) },
  ],
  ...head,
]);
const withCaptures = {
  ...conditional,
  nodes: conditional.nodes.map(n => (n.opType === 'If' ? { ...n, captures: ['x', 'outer'] } : n)),
};
const model = workspace.model('conditional.onnx', withCaptures);
const straight = makeGraph([input('x', 'N', 6)], { own, behind }, [['MatMul', ['x', 'own'], 'a'], ...head]);
const data = workspace.npz('x.npz', {
  x: { shape: [8, 6], data: Float32Array.from({ length: 48 }, () => random.normal()) },
});

test('lifting weights out of a branch keeps fields that the file leaves out', () => {
  const { proto } = branch('then_branch', 'own', true) as { proto: AttributeProto };
  const node = create(NodeProtoSchema, {
    opType: 'If',
    input: ['condition'],
    output: ['a'],
    attribute: [proto],
  });
  const lifted = liftWeights(create(GraphProtoSchema, { node: [node] }));
  assert.deepEqual(
    lifted.initializer.map(t => t.name),
    ['own'],
  );
  assert.equal(lifted.node[0].domain, '');
});

test('a lifted weight in one of the typed fields stays readable', () => {
  const { proto } = branch('then_branch', 'own', true) as { proto: AttributeProto };
  const value = proto.g!.node[0].attribute[0].t!;
  const typed = create(TensorProtoSchema, {
    ...{ dims: value.dims, dataType: value.dataType },
    floatData: [...(decodeTensor(value).data as Float32Array)],
  });
  proto.g!.node[0].attribute[0].t = typed;
  const node = create(NodeProtoSchema, { opType: 'If', input: ['c'], output: ['a'], attribute: [proto] });
  const lifted = liftWeights(create(GraphProtoSchema, { node: [node] }));
  assert.deepEqual(decodeTensor(lifted.initializer[0]), decodeTensor(typed));
});

test('a branch that gives its weight out as it is runs with the weight lifted', async () => {
  const given = (name: string, weight: string, tensor: Tensor): Attribute => {
    const g = create(GraphProtoSchema, {
      name,
      initializer: [encodeTensor(weight, tensor)],
      output: [create(ValueInfoProtoSchema, { name: weight })],
    });
    return { proto: create(AttributeProtoSchema, { name, type: Kind.GRAPH, g }) };
  };
  const branches = {
    then_branch: given('then_branch', 'own', own),
    else_branch: given('else_branch', 'other', outer),
  };
  const graph = makeGraph([input('x', 'N', 6)], { behind, zero: float32Tensor([], [0]) }, [
    ['ReduceMax', ['x'], 'largest', { keepdims: { int: 0 } }],
    ['Greater', ['largest', 'zero'], 'condition'],
    ['If', ['condition'], 'weight', branches],
    ['MatMul', ['x', 'weight'], 'a'],
    ...head,
  ]);
  const found = await coverage(workspace.model('given.onnx', graph));
  assert.deepEqual(
    found.layers.map(l => [l.name, l.method]),
    [['behind', 'exact']],
  );
});

test('a branch that an integer for all samples rules out is told apart from what can not be measured', async () => {
  const rate = { name: 'rate', elemType: 'int64' as const, shape: [] };
  const inputs = [input('x', 'N', 6), rate];
  const decided = makeGraph(inputs, { outer, behind, sixteen: int64Tensor([16], []) }, [
    ['Equal', ['rate', 'sixteen'], 'condition'],
    [
      'If',
      ['condition'],
      'a',
      { then_branch: branch('then_branch', 'own', true), else_branch: branch('else_branch', 'outer', false) },
    ],
    ...head,
  ]);
  const nodes = decided.nodes.map(n => (n.opType === 'If' ? { ...n, captures: ['x', 'outer'] } : n));
  const found = await coverage(workspace.model('decided.onnx', { ...decided, nodes }));
  assert.deepEqual(
    found.layers.map(l => [l.name, l.method]),
    [
      ['outer', 'aside'],
      ['own', 'exact'],
      ['behind', 'exact'],
    ],
  );
  assert.ok(found.complete);
  assert.equal(found.parameters.aside, 24);
  assert.match(found.layers[0].reason!, /a branch that is not taken where "rate" is 16\.$/);
});

test('weights inside the branches of an If that stays are layers, measured by differences', async () => {
  const { layers } = await coverage(model);
  assert.deepEqual(
    layers.map(l => [l.name, l.method]),
    [
      ['outer', 'differences'],
      ['own', 'differences'],
      ['behind', 'exact'],
    ],
  );
  assert.match(layers[0].reason!, /"a" \(If\)/);

  const options = { ...defaultOptions, data, rtol: 0.03, maxProbes: 400, eigenvalues: 0 };
  const report = await analyze({ ...options, model });
  const truth = await analyze({ ...options, model: workspace.model('straight.onnx', straight) });
  const traceOf = (r: typeof report, name: string) => r.layers.find(l => l.name === name)!.trace.ggn!;
  assert.deepEqual(
    report.layers.map(l => l.opType),
    ['MatMul', 'MatMul', 'MatMul'],
  );
  const [found, expected] = [traceOf(report, 'own'), traceOf(truth, 'own')];
  assert.ok(
    Math.abs(found.estimate - expected.estimate) <= 3 * found.stderr,
    `${found.estimate} ± ${found.stderr}, expected ${expected.estimate}`,
  );
  const idle = report.layers.find(l => l.name === 'outer')!;
  assert.deepEqual([idle.status, idle.bits], ['not-reached', null], 'the data do not take its branch');
  assert.match(idle.reason!, /changes nothing on these data/);
  assert.ok(Math.abs(traceOf(report, 'behind').estimate / traceOf(truth, 'behind').estimate - 1) < 1e-4);
});
