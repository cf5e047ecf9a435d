import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProto_AttributeType as Kind,
  AttributeProtoSchema,
  FunctionProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { fromModel } from '../../../src/engine/graph/fromModel';
import { encodeGraph } from '../../../src/engine/graph/toModel';
import { decodeModel } from '../../../src/engine/onnx/read';
import {
  encodeTensor,
  float32Tensor,
  int64Tensor,
  type Tensor,
  toNumbers,
} from '../../../src/engine/onnx/tensor';
import { prepare } from '../../../src/engine/runtime/prepare';
import { Session } from '../../../src/engine/runtime/session';
import { curvatureError } from '../../support/assertions';

const node = (
  opType: string,
  input: string[],
  output: string[],
  attribute: AttributeProto[] = [],
  domain = '',
): NodeProto => create(NodeProtoSchema, { opType, input, output, attribute, domain });

const branch = (name: string, g: GraphProto): AttributeProto =>
  create(AttributeProtoSchema, { name, type: Kind.GRAPH, g });

const float = (name: string, f: number): AttributeProto =>
  create(AttributeProtoSchema, { name, type: Kind.FLOAT, f });

const reference = (name: string, refAttrName: string): AttributeProto =>
  create(AttributeProtoSchema, { name, type: Kind.FLOAT, refAttrName });

const graphOf = (nodes: NodeProto[], outputs: string[], initializer: TensorProto[] = []): GraphProto =>
  create(GraphProtoSchema, {
    name: 'g',
    node: nodes,
    initializer,
    output: outputs.map(name => create(ValueInfoProtoSchema, { name })),
  });

const scalar = (name: string, value: number): TensorProto => encodeTensor(name, float32Tensor([], [value]));
const flag = (name: string, value: number): TensorProto =>
  encodeTensor(name, { elemType: 'bool', shape: [], data: Uint8Array.of(value) });

/** A model of one input x [2, 3] and one output y. */
function modelOf(
  nodes: NodeProto[],
  initializer: TensorProto[],
  functions: Parameters<typeof FunctionOf>[] = [],
  version = 17n,
) {
  const typed = decodeModel(
    encodeGraph({
      name: 'x',
      opsets: new Map([['', 17]]),
      inputs: [{ name: 'x', elemType: 'float32', shape: [2, 3] }],
      outputs: ['x'],
      initializers: new Map(),
      nodes: [
        {
          name: 'n',
          opType: 'Relu',
          domain: '',
          inputs: ['x'],
          outputs: ['r'],
          attributes: {},
          captures: [],
          scope: '',
        },
      ],
    }),
    'x',
  );
  const graph = graphOf(nodes, ['y'], initializer);
  graph.input = typed.graph!.input;
  return create(ModelProtoSchema, {
    irVersion: 10n,
    opsetImport: [
      { domain: '', version },
      { domain: 'own', version: 1n },
    ],
    functions: functions.map(f => FunctionOf(...f)),
    graph,
  });
}

const FunctionOf = (
  name: string,
  input: string[],
  output: string[],
  nodes: NodeProto[],
  attributeProto: AttributeProto[] = [],
) =>
  create(FunctionProtoSchema, {
    name,
    domain: 'own',
    input,
    output,
    node: nodes,
    attributeProto,
    opsetImport: [{ domain: '', version: 17n }],
  });

const x = float32Tensor([2, 3], [-2, -1, 0, 1, 2, 3]);

async function valueOf(model: ReturnType<typeof modelOf>): Promise<{ operators: string[]; y: number[] }> {
  const graph = fromModel(model, '.');
  const feeds: Record<string, Tensor> = { x };
  const prepared = await prepare(graph, new Map([['x', [2, 3]]]), new Set(), feeds);
  const session = await Session.create(prepared.graph);
  const { y } = await session.run(feeds);
  await session.dispose();
  return { operators: prepared.graph.nodes.map(n => n.opType), y: toNumbers(y) };
}

/** if inner then x·c + x else x, with `c` stored in the branch. */
const nested = (condition: string, otherwise = graphOf([node('Identity', ['x'], ['o'])], ['o'])): NodeProto =>
  node(
    'If',
    [condition],
    ['inner'],
    [
      branch(
        'then_branch',
        graphOf([node('Mul', ['x', 'c'], ['t']), node('Add', ['t', 'x'], ['u'])], ['u'], [scalar('c', 2)]),
      ),
      branch('else_branch', otherwise),
    ],
  );

const outer = (condition: string): NodeProto =>
  node(
    'If',
    [condition],
    ['y'],
    [
      branch('then_branch', graphOf([nested('yes'), node('Relu', ['inner'], ['w'])], ['w'])),
      branch('else_branch', graphOf([node('Neg', ['x'], ['v'])], ['v'])),
    ],
  );

test('a branch that a constant decides is inlined, and the one inside it', async () => {
  const { operators, y } = await valueOf(modelOf([outer('yes')], [flag('yes', 1)]));
  assert.deepEqual(operators, ['Mul', 'Add', 'Relu']);
  assert.deepEqual(y, [0, 0, 0, 3, 6, 9]);
});

test('the other branch is taken where the constant is false', async () => {
  const { operators, y } = await valueOf(modelOf([outer('no')], [flag('no', 0), flag('yes', 1)]));
  assert.deepEqual(operators, ['Neg']);
  assert.deepEqual(y, [2, 1, -0, -1, -2, -3]);
});

test('a branch that passes on a value from outside keeps its name', async () => {
  const passing = nested('no', graphOf([], ['x']));
  const model = modelOf([passing, node('Relu', ['inner'], ['y'])], [flag('no', 0)]);
  assert.deepEqual((await valueOf(model)).y, [0, 0, 0, 1, 2, 3]);
});

test('a branch that a shape decides is inlined when the dimensions are bound', async () => {
  const model = modelOf(
    [
      node('Shape', ['x'], ['shape']),
      node('Gather', ['shape', 'one'], ['width']),
      node('Equal', ['width', 'three'], ['isThree']),
      outer('isThree'),
    ],
    [flag('yes', 1), encodeTensor('one', int64Tensor([1], [])), encodeTensor('three', int64Tensor([3], []))],
  );
  assert.equal(fromModel(model, '.').nodes.at(-1)?.opType, 'If');
  const { operators, y } = await valueOf(model);
  assert.deepEqual(operators, ['Mul', 'Add', 'Relu']);
  assert.deepEqual(y, [0, 0, 0, 3, 6, 9]);
});

test('a branch that data decide stays, in the forms of the operator set that the graph is brought to', async () => {
  const axes = create(AttributeProtoSchema, { name: 'axes', type: Kind.INTS, ints: [0n] });
  const keepdims = create(AttributeProtoSchema, { name: 'keepdims', type: Kind.INT, i: 0n });
  const then = [
    node('Unsqueeze', ['x'], ['a'], [axes]),
    node('Softmax', ['a'], ['p']),
    node('Squeeze', ['p'], ['q'], [axes]),
  ];
  const model = modelOf(
    [
      node('ReduceMax', ['x'], ['largest'], [keepdims]),
      node('Greater', ['largest', 'zero'], ['isPositive']),
      node(
        'If',
        ['isPositive'],
        ['y'],
        [
          branch('then_branch', graphOf(then, ['q'])),
          branch('else_branch', graphOf([node('Identity', ['x'], ['o'])], ['o'])),
        ],
      ),
    ],
    [scalar('zero', 0)],
    [],
    11n,
  );
  const { operators, y } = await valueOf(model);
  assert.equal(operators.at(-1), 'If');
  const exponentials = toNumbers(x).map(Math.exp);
  const sum = exponentials.reduce((p, e) => p + e, 0);
  y.forEach((p, i) => assert.ok(Math.abs(p - exponentials[i] / sum) < 1e-6, `${p} at ${i}`));
});

test("functions of the model's own are inlined with their attributes and calls", async () => {
  const leaky: Parameters<typeof FunctionOf> = [
    'Leaky',
    ['a'],
    ['b'],
    [node('LeakyRelu', ['a'], ['b'], [reference('alpha', 'slope')])],
    [float('slope', 0.5)],
  ];
  const twice: Parameters<typeof FunctionOf> = [
    'Twice',
    ['a', 'absent'],
    ['b', 'unused'],
    [
      node('Leaky', ['a'], ['t'], [], 'own'),
      node('Leaky', ['t'], ['u'], [float('slope', 0.25)], 'own'),
      node('Add', ['u', 'a'], ['b']),
      node('Neg', ['u'], ['unused']),
    ],
  ];
  const model = modelOf([node('Twice', ['x'], ['y'], [], 'own')], [], [leaky, twice]);
  const { operators, y } = await valueOf(model);
  assert.deepEqual(operators, ['LeakyRelu', 'LeakyRelu', 'Add']);
  assert.deepEqual(y, [-2.25, -1.125, 0, 2, 4, 6]);
});

test('a function that calls itself is refused', () => {
  const model = modelOf(
    [node('Again', ['x'], ['y'], [], 'own')],
    [],
    [['Again', ['a'], ['b'], [node('Again', ['a'], ['b'], [], 'own')]]],
  );
  assert.throws(() => fromModel(model, '.'), curvatureError('model-invalid', /"Again" calls itself/));
});
