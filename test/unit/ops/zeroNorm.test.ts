import assert from 'node:assert/strict';
import { test } from 'node:test';
import { vjp } from '../../../src/engine/autodiff/vjp';
import { GraphBuilder } from '../../../src/engine/graph/builder';
import type { Graph } from '../../../src/engine/graph/graph';
import { float32Tensor, int64Tensor } from '../../../src/engine/onnx/tensor';
import { Session } from '../../../src/engine/runtime/session';
import { inferTypes } from '../../../src/engine/runtime/types';
import { input, makeGraph } from '../../support/models';

/** The graph with the gradient of a sum over one of its values. */
async function withGradient(graph: Graph, of: string, by: string) {
  const types = await inferTypes(graph);
  const b = new GraphBuilder(graph, types);
  const seed = b.add('Expand', [b.scalar(1), b.ints(types.get(of)!.shape)]);
  const cotangents = vjp(b, graph.nodes, types, new Map([[of, seed]]), new Set([by]), new Set([by]));
  const name = cotangents.get(by)!;
  return { graph: b.build([...graph.outputs, name]), name };
}

test('a norm of zeros, as of a capsule whose units are off, has the slopes zero', async () => {
  const model = makeGraph(
    [input('x', 3, 2)],
    { weights: float32Tensor([2], [1, 1]), axis: int64Tensor([1]) },
    [
      ['Mul', ['x', 'weights'], 'scaled'],
      ['Relu', ['scaled'], 'on'],
      ['ReduceL2', ['on', 'axis'], 'y'],
    ],
    18,
  );
  const first = await withGradient(model, 'y', 'weights');
  const second = await withGradient(first.graph, first.name, 'weights');
  const session = await Session.create(second.graph);
  const found = await session.run({ x: float32Tensor([3, 2], [3, 4, -1, -2, 0, 2]) });
  await session.dispose();
  // ‖x∘w‖ has the gradient x² w/‖x∘w‖ and curvature where x is (3, 4) alone.
  const near = (name: string, expected: number[]): void =>
    expected.forEach((e, i) => assert.ok(Math.abs(Number(found[name].data[i]) - e) < 1e-5, `${name} ${i}`));
  near(first.name, [9 / 5, 16 / 5 + 2]);
  // Sums of the rows of the Hessian: diag(x²)/5 − x² x²ᵀ/125.
  near(second.name, [9 / 5 - (9 * 25) / 125, 16 / 5 - (16 * 25) / 125]);
});
