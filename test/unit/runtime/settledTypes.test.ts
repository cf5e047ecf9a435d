import assert from 'node:assert/strict';
import test from 'node:test';
import type { Graph } from '../../../src/engine/graph/graph';
import { float32Tensor, int64Tensor, type Tensor } from '../../../src/engine/onnx/tensor';
import { outputTypes } from '../../../src/engine/runtime/outputTypes';
import { settledTypes, typesInParts } from '../../../src/engine/runtime/settledTypes';
import { input, makeGraph, type NodeSpec } from '../../support/models';

const WIDTH = 4;

/** So many equal blocks of MatMul, Relu and two Reshapes there and back. */
function blocks(count: number): Graph {
  const weights: Record<string, Tensor> = { flat: int64Tensor([-1]), square: int64Tensor([-1, WIDTH]) };
  const nodes = Array.from({ length: count }, (_, i): NodeSpec[] => {
    weights[`w${i}`] = float32Tensor([WIDTH, WIDTH], new Float32Array(WIDTH * WIDTH).fill(i));
    return [
      ['MatMul', [i === 0 ? 'x' : `y${i - 1}`, `w${i}`], `m${i}`],
      ['Relu', [`m${i}`], `r${i}`],
      ['Reshape', [`r${i}`, 'flat'], `f${i}`],
      ['Reshape', [`f${i}`, 'square'], `y${i}`],
    ];
  });
  return makeGraph([input('x', 2, WIDTH)], weights, nodes.flat());
}

test('of equal blocks ONNX Runtime is asked for the first ones only', async () => {
  const graph = blocks(1000);
  let asked = 0;
  const { types, open } = await typesInParts(graph, new Map(), part => {
    asked += part.nodes.length;
    return outputTypes(part);
  });
  assert.equal(open, undefined);
  assert.deepEqual(types.get('f999'), { elemType: 'float32', shape: [2 * WIDTH] });
  assert.deepEqual(types.get('y999'), { elemType: 'float32', shape: [2, WIDTH] });
  assert.equal(asked, 500);
});

test('nodes that differ in a constant size, an attribute or a computed size have types of their own', async () => {
  // Long enough that the first blocks are known before the nodes that resemble them come.
  const { nodes, initializers, inputs } = blocks(200);
  const more = makeGraph(
    [...inputs, input('image', 1, 1, 2, 2)],
    {
      ...Object.fromEntries(initializers),
      ...{ rows: int64Tensor([WIDTH, -1]), twice: int64Tensor([2, 1]), thrice: int64Tensor([3, 1]) },
      ...{ up2: float32Tensor([4], [1, 1, 2, 2]), up3: float32Tensor([4], [1, 1, 3, 3]) },
    },
    [
      ['Resize', ['image', '', 'up2'], 'large'],
      ['Tile', ['x', 'twice'], 'tiled2'],
      ['Shape', ['tiled2'], 'size2'],
      ['ConstantOfShape', ['size2'], 'zeros2'],
      ['Concat', ['x', 'x'], 'below', { axis: { int: 0 } }],
      ...nodes.map((n): NodeSpec => [n.opType, n.inputs, n.outputs[0]]),
      ['Reshape', ['f199', 'rows'], 'other'],
      ['Tile', ['x', 'thrice'], 'tiled3'],
      ['Concat', ['x', 'x'], 'beside', { axis: { int: 1 } }],
      ['Resize', ['image', '', 'up3'], 'larger'],
      ['Shape', ['tiled3'], 'size3'],
      ['ConstantOfShape', ['size3'], 'zeros3'],
    ],
  );
  const values = more.nodes.flatMap(n => n.outputs);
  const whole = await outputTypes({ ...more, outputs: values });
  const types = await settledTypes(more);
  for (const value of values) assert.deepEqual(types.get(value), whole.get(value), value);
  assert.deepEqual(types.get('larger')!.shape, [1, 1, 6, 6]);
  assert.deepEqual(types.get('tiled3')!.shape, [6, WIDTH]);
});

test('a computed size that an earlier part made leaves its node open, where one like it is known', async () => {
  const { nodes, initializers, inputs } = blocks(200);
  const graph = makeGraph(
    inputs,
    { ...Object.fromEntries(initializers), twice: int64Tensor([2, 1]), thrice: int64Tensor([3, 1]) },
    [
      ['Tile', ['x', 'twice'], 'tiled2'],
      ['Shape', ['tiled2'], 'size2'],
      ['ConstantOfShape', ['size2'], 'zeros2'],
      ['Tile', ['x', 'thrice'], 'tiled3'],
      ['Shape', ['tiled3'], 'size3'],
      ...nodes.map((n): NodeSpec => [n.opType, n.inputs, n.outputs[0]]),
      ['ConstantOfShape', ['size3'], 'zeros3'],
    ],
  );
  const { types, open } = await typesInParts(graph, new Map(), outputTypes);
  assert.deepEqual(types.get('zeros2')!.shape, [4, WIDTH]);
  assert.deepEqual(types.get('size3'), { elemType: 'int64', shape: [2] });
  assert.equal(open, 'zeros3');
});
