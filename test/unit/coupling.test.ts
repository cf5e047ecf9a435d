import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Matrix } from 'ml-matrix';
import { coupling } from '../../src/engine';
import { defaultCouplingOptions } from '../../src/engine/analysis/matrixOptions';
import { blockNorms, type BlockNorms } from '../../src/engine/estimators/blockNorms';
import { float32Tensor, type Tensor } from '../../src/engine/onnx/tensor';
import { blockShares } from '../../src/engine/report/couplingFigures';
import { couplingToText } from '../../src/engine/report/couplingText';
import { interactionSpread } from '../../src/engine/sensitivity/additivity';
import { Rng } from '../../src/engine/util/rng';
import { assertClose, curvatureError } from '../support/assertions';
import { denseOperator, normalMatrix } from '../support/denseOperator';
import { goldenFolder } from '../support/golden';
import { input, makeGraph, type NodeSpec, Workspace } from '../support/models';

const models = path.resolve('test/fixtures/models');
const base = {
  ...defaultCouplingOptions,
  model: path.join(models, 'mlp_digits_legacy.onnx'),
  data: path.join(models, 'digits_eval.npz'),
  executionProvider: 'cpu',
};
/** Norms and traces of all blocks in float64, as test/golden/spectra.py writes them. */
const { blocks } = JSON.parse(
  readFileSync(path.join(goldenFolder, 'spectra', 'mlp_digits_legacy.json'), 'utf8'),
) as { blocks: { parameters: string[]; norms: number[][]; traces: number[] } };

async function lastOf(steps: ReturnType<typeof blockNorms>): Promise<BlockNorms> {
  let norms: BlockNorms | undefined;
  for await (const step of steps) norms = step.norms ?? norms;
  return norms!;
}

describe('the blocks of a trained model, against dense ones in float64', () => {
  const report = coupling({ ...base, layers: ['*'], probes: 40 });
  const exact = (name: string): number => blocks.parameters.indexOf(name);

  test('norms within 4 of their standard errors, and exact for small layers', async () => {
    const { layers, norms } = await report;
    assert.equal(layers.length, blocks.parameters.length);
    let exactOnes = 0;
    norms.forEach((row, l) =>
      row.forEach(({ estimate, stderr }, m) => {
        const expected = blocks.norms[exact(layers[l].name)][exact(layers[m].name)];
        if (stderr === 0) {
          exactOnes++;
          assertClose(estimate, expected, 1e-4, `${layers[l].name}, ${layers[m].name}`);
        } else {
          const off = Math.abs(estimate - expected) / stderr;
          assert.ok(off < 4, `${layers[l].name}, ${layers[m].name}: ${estimate} ± ${stderr}, ${expected}`);
          assert.ok(stderr < 0.25 * estimate);
        }
      }),
    );
    assert.ok(exactOnes > layers.length);
  });

  test('traces, and the share outside of the diagonal blocks', async () => {
    const { layers, traces, shareOutside } = await report;
    traces.forEach(({ estimate, stderr }, l) => {
      const expected = blocks.traces[exact(layers[l].name)];
      assert.ok(Math.abs(estimate - expected) <= 4 * stderr + 1e-4 * Math.abs(expected), layers[l].name);
    });
    const squares = blocks.norms.flatMap((row, l) => row.map((x, m) => ({ x: x * x, isOutside: l !== m })));
    const sum = (list: typeof squares): number => list.reduce((s, { x }) => s + x, 0);
    const share = sum(squares.filter(s => s.isOutside)) / sum(squares);
    assert.ok(Math.abs(shareOutside.estimate - share) < 4 * shareOutside.stderr);
    assert.ok(shareOutside.stderr < 0.1);
    const shares = blockShares(await report);
    const outside = shares.flatMap((row, l) => row.slice(l + 1)).reduce((sum, s) => sum + s.estimate, 0);
    assertClose(outside, shareOutside.estimate, 1e-9);
  });

  test('by default the layers that are quantized, with a sentence and a matrix', async () => {
    const found = await coupling({ ...base, probes: 4 });
    assert.deepEqual(
      found.layers.map(l => l.name),
      ['fc1.weight', 'fc2.weight', 'fc3.weight'],
    );
    assert.equal(found.additivity.bits, 4);
    const text = couplingToText(found);
    assert.match(text, /^Sensitivities of the layers .* rounding to 4 bits .* % of the sum/m);
    assert.match(text, /^1 fc1\.weight +\S+ ± \S+ +\S+ ± /m);
  });

  test('a single layer is refused', async () => {
    await assert.rejects(
      coupling({ ...base, layers: ['fc1.weight'] }),
      curvatureError('option-invalid', /Coupling is between layers/),
    );
  });
});

describe('a dense matrix', () => {
  const sizes = [3, 20, 30];
  const starts = [0, 3, 23];
  const matrix = normalMatrix(53, 1);
  const parts = sizes.map((size, l) => ({ start: starts[l], size }));
  const squareOf = (l: number, m: number): number =>
    matrix.subMatrix(starts[l], starts[l] + sizes[l] - 1, starts[m], starts[m] + sizes[m] - 1).norm() ** 2;

  test('errors are as large as they say, over many seeds', async () => {
    const SEEDS = 200;
    const deviations: number[] = [];
    for (let seed = 0; seed < SEEDS; seed++) {
      const { squares } = await lastOf(blockNorms(denseOperator(matrix), parts, { probes: 16, seed }));
      assertClose(squares[0][2].mean, squareOf(0, 2), 1e-9);
      assert.equal(squares[0][2].stderr, 0);
      deviations.push((squares[1][2].mean - squareOf(1, 2)) / squares[1][2].stderr);
    }
    const square = deviations.reduce((s, d) => s + d * d, 0) / SEEDS;
    const mean = deviations.reduce((s, d) => s + d, 0) / SEEDS;
    // Student's t with 15 degrees of freedom has the variance 15/13.
    assert.ok(square > 0.8 && square < 1.6, `variance ${square}`);
    assert.ok(Math.abs(mean) < 0.3, `mean ${mean}`);
  });

  test('the spread of interactions is that of random errors', () => {
    const spd = Matrix.mul(matrix.mmul(matrix), 1 / 53);
    const meanSquares = [4, 1, 0.25];
    const norms = sizes.map((_, l) =>
      sizes.map(
        (__, m) =>
          spd.subMatrix(starts[l], starts[l] + sizes[l] - 1, starts[m], starts[m] + sizes[m] - 1).norm() ** 2,
      ),
    );
    const traces = sizes.map((size, l) => {
      let sum = 0;
      for (let i = starts[l]; i < starts[l] + size; i++) sum += spd.get(i, i);
      return sum;
    });
    const owner = sizes.flatMap((size, l) => Array<number>(size).fill(l));
    const random = Rng.of(9, 'interactions');
    let [between, alone] = [0, 0];
    const DRAWS = 4000;
    for (let k = 0; k < DRAWS; k++) {
      const v = [...random.rademacher(53)].map((s, i) => s * Math.sqrt(meanSquares[owner[i]]));
      let [inside, outside] = [0, 0];
      for (let i = 0; i < 53; i++) {
        for (let j = 0; j < 53; j++) {
          const term = (v[i] * spd.get(i, j) * v[j]) / 2;
          if (owner[i] === owner[j]) inside += term;
          else outside += term;
        }
      }
      between += outside ** 2 / DRAWS;
      alone += inside / DRAWS;
    }
    assertClose(interactionSpread(norms, traces, meanSquares), Math.sqrt(between) / alone, 0.05);
  });
});

test('layers without curvature share none', async () => {
  const workspace = new Workspace();
  const zeros = (...shape: number[]): Tensor => float32Tensor(shape, new Float32Array(6));
  const nodes: NodeSpec[] = [
    ['MatMul', ['x', 'first'], 'h'],
    ['Relu', ['h'], 'r'],
    ['MatMul', ['r', 'second'], 'y'],
  ];
  const graph = makeGraph([input('x', 'N', 2)], { first: zeros(2, 3), second: zeros(3, 2) }, nodes);
  try {
    const { shareOutside, additivity } = await coupling({
      ...base,
      model: workspace.model('zeros.onnx', graph),
      data: undefined,
    });
    assert.deepEqual(shareOutside, { estimate: 0, stderr: 0 });
    assert.deepEqual([additivity.spread, additivity.verdict], [0, 'additive']);
  } finally {
    workspace.remove();
  }
});
