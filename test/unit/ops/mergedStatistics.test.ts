import assert from 'node:assert/strict';
import { test } from 'node:test';
import { vjp } from '../../../src/engine/autodiff/vjp';
import { GraphBuilder } from '../../../src/engine/graph/builder';
import { float32Tensor } from '../../../src/engine/onnx/tensor';
import { prepare } from '../../../src/engine/runtime/prepare';
import { Session } from '../../../src/engine/runtime/session';
import { input, makeGraph } from '../../support/models';

test('running statistics are no parameters, also where an exporter has merged them with a scale of the same numbers', async () => {
  // A network before its training: scale and variance are ones, offset and mean zeros.
  const model = makeGraph(
    [input('x', 2, 3)],
    { scale: float32Tensor([3], [1, 1, 1]), offset: float32Tensor([3], [0, 0, 0]) },
    [
      ['Identity', ['scale'], 'first'],
      ['Identity', ['first'], 'variance'],
      ['Identity', ['offset'], 'mean'],
      ['BatchNormalization', ['x', 'scale', 'offset', 'mean', 'variance'], 'y', { epsilon: { float: 0 } }],
    ],
  );
  const x = float32Tensor([2, 3], [1, 2, 3, 4, 5, 7]);
  const parameters = new Set(['scale', 'offset']);
  const { graph, types } = await prepare(model, new Map([['x', [2, 3]]]), parameters, { x });
  const b = new GraphBuilder(graph, types);
  const seeds = new Map([['y', b.add('Expand', [b.scalar(1), b.ints([2, 3])])]]);
  const cotangents = vjp(b, graph.nodes, types, seeds, parameters, parameters);
  const [scale, offset] = ['scale', 'offset'].map(name => cotangents.get(name)!);
  const session = await Session.create(b.build([scale, offset]));
  const found = await session.run({ x });
  await session.dispose();
  // y = scale · x + offset, summed over two samples; with the statistics' shares it would be half of x, and zero.
  assert.deepEqual(Array.from(found[scale].data, Number), [5, 7, 10]);
  assert.deepEqual(Array.from(found[offset].data, Number), [2, 2, 2]);
});
