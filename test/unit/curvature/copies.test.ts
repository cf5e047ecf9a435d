import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { analyze } from '../../../src/engine';
import { defaultOptions } from '../../../src/engine/analysis/options';
import { findCopies } from '../../../src/engine/curvature/copies';
import { findLayers } from '../../../src/engine/curvature/layers';
import { float32Tensor, type Tensor } from '../../../src/engine/onnx/tensor';
import { Rng } from '../../../src/engine/util/rng';
import { assertClose } from '../../support/assertions';
import { makeGraph, Workspace } from '../../support/models';

const workspace = new Workspace();
after(() => workspace.remove());

const WORDS = 7;
const WIDTH = 3;
const table = Rng.of(2, 'table').normals(WORDS * WIDTH);
const transposed = Float32Array.from(table, (_, i) => table[(i % WORDS) * WIDTH + Math.floor(i / WORDS)]);
const ids = [
  [0, 3],
  [5, 5],
  [1, 6],
];
const data = workspace.npz('ids.npz', {
  ids: { shape: [3, 2], data: BigInt64Array.from(ids.flat(), BigInt) },
});

/** Scores of every word after each word: the table picked from, times the table turned. */
const language = (weights: Record<string, Tensor>, last: string) =>
  makeGraph([{ name: 'ids', elemType: 'int64', shape: ['N', 2] }], weights, [
    ...(last === 'turned' ? ([['Transpose', ['table'], 'turned', { perm: { ints: [1, 0] } }]] as const) : []),
    ['Gather', ['table', 'ids'], 'h'],
    ['MatMul', ['h', last], 'y'],
  ]);
const tied = language({ table: float32Tensor([WORDS, WIDTH], table) }, 'turned');
const untied = language(
  { table: float32Tensor([WORDS, WIDTH], table), head: float32Tensor([WIDTH, WORDS], transposed) },
  'head',
);

test('a copy is found, turned or not, and weights of one value are none', () => {
  const found = (weights: Record<string, Tensor>) => {
    const graph = language({ table: float32Tensor([WORDS, WIDTH], table), ...weights }, 'head');
    return findCopies(findLayers(graph), graph.initializers).map(c => [
      c.original.name,
      c.copy.name,
      c.isTransposed,
    ]);
  };
  assert.deepEqual(found({ head: float32Tensor([WIDTH, WORDS], transposed) }), [['table', 'head', true]]);
  assert.deepEqual(found({ head: float32Tensor([WIDTH, WORDS], table) }), []);
  const ones = new Float32Array(WORDS * WIDTH).fill(1);
  assert.deepEqual(
    found({ table: float32Tensor([WORDS, WIDTH], ones), head: float32Tensor([WIDTH, WORDS], ones) }),
    [],
  );
});

/** d²/dT² of the mean square of T[ids] Tᵀ held against itself: 2/(N·2·W) Σ over samples, positions and words of |∇y|². */
function exactTraces(): { tied: number; untied: [number, number] } {
  const row = (w: number): Float32Array => table.subarray(w * WIDTH, (w + 1) * WIDTH);
  const square = (v: Float32Array): number => v.reduce((sum, a) => sum + a * a, 0);
  let gathered = 0;
  let multiplied = 0;
  let shared = 0;
  for (const id of ids.flat()) {
    for (let w = 0; w < WORDS; w++) {
      // y = ⟨T_id, T_w⟩: by T_id it changes along T_w, by T_w along T_id, and where they are one row along 2 T_w.
      gathered += square(row(w));
      multiplied += square(row(id));
      if (w === id) shared += 2 * square(row(w));
    }
  }
  const factor = 2 / (ids.flat().length * WORDS);
  return {
    tied: factor * (gathered + multiplied + shared),
    untied: [factor * gathered, factor * multiplied],
  };
}

const run = (name: string, graph: typeof tied) =>
  analyze({
    ...defaultOptions,
    model: workspace.model(name, graph),
    data,
    loss: 'mse',
    matrix: 'both',
    eigenvalues: 0,
  });

test('a tied weight is one layer, whose traces hold what its uses share', async () => {
  const { layers, diagnostics } = await run('tied.onnx', tied);
  assert.deepEqual(
    layers.map(l => [l.name, l.nodes]),
    [['table', ['h', 'y']]],
  );
  const { ggn, hessian } = layers[0].trace;
  assert.ok(hessian?.exact);
  assertClose(hessian.estimate, exactTraces().tied, 1e-4);
  assert.ok(Math.abs(ggn!.estimate - exactTraces().tied) <= 3 * ggn!.stderr + 1e-4 * exactTraces().tied);
  assert.ok(!diagnostics.some(d => d.code === 'tied-weights'));
});

test('copies are layers of their own, and said to be copies', async () => {
  const { layers, diagnostics } = await run('untied.onnx', untied);
  const expected = exactTraces().untied;
  layers.forEach(({ trace }, l) => {
    assert.ok(trace.ggn?.exact && trace.hessian?.exact);
    assertClose(trace.ggn.estimate, expected[l], 1e-4);
    assertClose(trace.hessian.estimate, expected[l], 1e-4);
  });
  const note = diagnostics.find(d => d.code === 'tied-weights');
  assert.match(note?.message ?? '', /head holds the values of table, transposed/);
});
