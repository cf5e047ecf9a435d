import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Graph } from '../../../src/engine/graph/graph';
import { float32Tensor, int64Tensor, type Tensor } from '../../../src/engine/onnx/tensor';
import { BLOCKED_DOMAIN, blockSize } from '../../../src/engine/runtime/blockedConv';
import { lower } from '../../../src/engine/runtime/lower';
import { Session } from '../../../src/engine/runtime/session';
import { inferTypes } from '../../../src/engine/runtime/types';
import { Rng } from '../../../src/engine/util/rng';
import { input, makeGraph } from '../../support/models';

const PADS = { pads: { ints: [1, 1, 1, 1] } };
const far = Number.MIN_SAFE_INTEGER;

/** A Conv with fed weights, as tangents are; or with the flipped ones, as input gradients have them. */
const convolution = (x: number[], w: number[], flips: boolean): Graph =>
  makeGraph(
    [input('x', ...x), input('w', ...w)],
    { back: int64Tensor([-1, -1]), far: int64Tensor([far, far]), axes: int64Tensor([2, 3]) },
    flips
      ? [
          ['Slice', ['w', 'back', 'far', 'axes', 'back'], 'reversed'],
          ['Transpose', ['reversed'], 'flipped', { perm: { ints: [1, 0, 2, 3] } }],
          ['Conv', ['x', 'flipped'], 'y', PADS],
        ]
      : [['Conv', ['x', 'w'], 'y', PADS]],
  );

async function run(graph: Graph, feeds: Record<string, Tensor>): Promise<Float32Array> {
  const session = await Session.create(graph);
  const { y } = await session.run(feeds);
  await session.dispose();
  return y.data as Float32Array;
}

describe('a graph for the CPU', () => {
  for (const [title, x, w, flips] of [
    ['fed weights', [2, 32, 24, 24], [48, 32, 3, 3], false],
    ['flipped weights', [2, 48, 24, 24], [48, 32, 3, 3], true],
    ['flipped weights over few positions', [4, 48, 7, 7], [48, 32, 3, 3], true],
    ['flipped weights without whole blocks', [2, 20, 24, 24], [20, 12, 3, 3], true],
  ] as const) {
    test(`computes a Conv with ${title} as the graph does`, async () => {
      const graph = convolution([...x], [...w], flips);
      const random = (name: string, shape: readonly number[]): Tensor => {
        const size = shape.reduce((a, b) => a * b);
        return float32Tensor([...shape], Rng.of(0, name).normals(size));
      };
      const feeds = { x: random('x', x), w: random('w', w) };
      const types = await inferTypes(graph);
      const lowered = await lower(graph, types);
      assert.ok(!lowered.nodes.some(n => n.opType === 'Slice'), 'no reversing Slice is left');
      const [expected, found] = [await run(graph, feeds), await run(lowered, feeds)];
      // Sums of 432 products of normal numbers, in float32 in another order.
      expected.forEach((e, i) => assert.ok(Math.abs(e - found[i]) < 1e-4, `${i}: ${found[i]}, not ${e}`));
    });
  }

  test(
    'runs in blocks where the processor has them',
    { skip: process.arch !== 'x64' && 'another processor' },
    async () => {
      assert.ok((await blockSize()) > 0);
      const graph = convolution([2, 32, 24, 24], [48, 32, 3, 3], false);
      const lowered = await lower(graph, await inferTypes(graph));
      assert.ok(lowered.nodes.some(n => n.domain === BLOCKED_DOMAIN));
    },
  );
});
