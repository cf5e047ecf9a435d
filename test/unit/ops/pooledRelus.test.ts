import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { vjp } from '../../../src/engine/autodiff/vjp';
import { GraphBuilder } from '../../../src/engine/graph/builder';
import type { Graph } from '../../../src/engine/graph/graph';
import { float32Tensor, numElements, type Tensor } from '../../../src/engine/onnx/tensor';
import { withPooledRelus } from '../../../src/engine/ops/pooledRelus';
import { Session } from '../../../src/engine/runtime/session';
import { inferTypes } from '../../../src/engine/runtime/types';
import { Rng } from '../../../src/engine/util/rng';
import { input, makeGraph, type NodeSpec } from '../../support/models';

const POOL = { kernel_shape: { ints: [3, 3] }, strides: { ints: [2, 2] }, pads: { ints: [1, 1, 1, 1] } };
const reluAndPool: NodeSpec[] = [
  ['Relu', ['x'], 'a'],
  ['MaxPool', ['a'], 'y', POOL],
];
const operators = (graph: Graph): string[] => graph.nodes.map(n => n.opType);
const types = inferTypes(makeGraph([input('x', 2, 3, 9, 8)], {}, reluAndPool));

/** The result and the cotangent of x, with zeros of one sign, for ⟨g, y⟩. */
async function derivatives(graph: Graph, feeds: Record<string, Tensor>): Promise<number[][]> {
  const known = await inferTypes(graph);
  const b = new GraphBuilder(graph, known);
  b.input(input('g', 2, 3, 5, 4));
  const cotangents = vjp(b, graph.nodes, known, new Map([['y', 'g']]), new Set(['x']), new Set(['x']));
  const names = ['y', cotangents.get('x')!];
  const session = await Session.create(b.build(names));
  const results = await session.run(feeds);
  await session.dispose();
  return names.map(name => Array.from(results[name].data, Number).map(v => v + 0));
}

describe('a Relu before a MaxPool', () => {
  test('goes behind it, with the same values and derivatives, also where numbers are equal or not positive', async () => {
    const shape = [2, 3, 9, 8];
    const graph = makeGraph([input('x', ...shape)], {}, reluAndPool);
    const pooled = withPooledRelus(graph, await types);
    assert.deepEqual(operators(pooled), ['MaxPool', 'Relu']);
    // Few different numbers, so that many windows have several largest ones; the first plane has none above zero.
    const values = Rng.of(0, 'x')
      .normals(numElements(shape))
      .map((v, i) => Math.round(i < 72 ? -Math.abs(v) : v));
    const feeds = {
      x: float32Tensor(shape, values),
      g: float32Tensor([2, 3, 5, 4], Rng.of(0, 'g').normals(120)),
    };
    assert.deepEqual(await derivatives(pooled, feeds), await derivatives(graph, feeds));
  });

  test('stays where it is read elsewhere too, or given out, or the pool gives places', async () => {
    const skipped = makeGraph([input('x', 2, 3, 9, 8)], {}, [
      ...reluAndPool,
      ['ReduceSum', ['a'], 'sum', { keepdims: { int: 0 } }],
      ['Add', ['y', 'sum'], 'z'],
    ]);
    const alone = makeGraph([input('x', 2, 3, 9, 8)], {}, reluAndPool);
    const withPlaces = {
      ...alone,
      nodes: alone.nodes.map((n, i) => (i ? { ...n, outputs: ['y', 'i'] } : n)),
    };
    for (const graph of [skipped, { ...alone, outputs: ['a', 'y'] }, withPlaces])
      assert.equal(withPooledRelus(graph, await types), graph);
  });
});
