import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jvp } from '../../../src/engine/autodiff/jvp';
import { vjp } from '../../../src/engine/autodiff/vjp';
import { GraphBuilder } from '../../../src/engine/graph/builder';
import { float32Tensor, int64Tensor } from '../../../src/engine/onnx/tensor';
import { settledTypes } from '../../../src/engine/runtime/settledTypes';
import { inferTypes } from '../../../src/engine/runtime/types';
import { input, makeGraph } from '../../support/models';

const bounds = { starts: int64Tensor([-3, 4]), ends: int64Tensor([4, -9]) };
const known = { axes: int64Tensor([0, 1]), steps: int64Tensor([1, -2]) };

/** Such as the columns of Longformer's attention to global tokens, whose number depends on the data. */
for (const computed of [['ends'], ['starts', 'ends']] as const)
  test(`tangents and cotangents of a slice with computed ${computed.join(' and ')} have shapes`, async () => {
    const isComputed = (name: string): boolean => (computed as readonly string[]).includes(name);
    const given = Object.entries(bounds).filter(([name]) => !isComputed(name));
    const fed = Object.entries(bounds).filter(([name]) => isComputed(name));
    const graph = makeGraph(
      [input('x', 4, 5), ...fed.map(([name]) => ({ name, elemType: 'int64' as const, shape: [2] }))],
      { ...Object.fromEntries(given), ...known },
      [
        ['Tanh', ['x'], 't'],
        ['Slice', ['t', 'starts', 'ends', 'axes', 'steps'], 'y'],
      ],
    );
    const sample = { x: float32Tensor([4, 5], new Float32Array(20)), ...Object.fromEntries(fed) };
    const types = await inferTypes(graph, sample);
    assert.deepEqual(types.get('y')!.shape, [3, 3]);
    const b = new GraphBuilder(graph, types);
    b.input(input('g', 3, 3));
    b.input(input('v', 4, 5));
    const x = new Set(['x']);
    const back = vjp(b, graph.nodes, types, new Map([['y', 'g']]), x, x).get('x')!;
    const along = jvp(b, graph.nodes, types, new Map([['x', 'v']]), ['y']).get('y')!;
    const derived = await settledTypes(b.build(['y', back, along]), types);
    assert.deepEqual(
      [derived.get(back)!.shape, derived.get(along)!.shape],
      [
        [4, 5],
        [3, 3],
      ],
    );
  });
