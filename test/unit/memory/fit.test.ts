import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { fitToMemory } from '../../../src/engine/analysis/memory';
import { memoryBudget, parseMemory } from '../../../src/engine/analysis/memoryBudget';
import { openModel } from '../../../src/engine/analysis/model';
import { type AnalyzeOptions, defaultOptions } from '../../../src/engine/analysis/options';
import { CurvatureError } from '../../../src/engine/errors';
import { int64Tensor } from '../../../src/engine/onnx/tensor';
import { depthFirst, liveBytes } from '../../../src/engine/runtime/memory';
import { curvatureError } from '../../support/assertions';
import { input, makeGraph, Workspace } from '../../support/models';
import { convolutional, transformer } from './models';

const workspace = new Workspace();
after(() => workspace.remove());
const convolutions = workspace.model('conv.onnx', convolutional());
const blocks = workspace.model('transformer.onnx', transformer());

describe('an amount of memory', () => {
  for (const [text, bytes] of [
    ['800MB', 8e8],
    ['4 GB', 4e9],
    ['1.5GiB', 1.5 * 2 ** 30],
  ] as const) {
    test(text, () => assert.equal(parseMemory(text), bytes));
  }
  for (const text of ['', '4', '0GB', '-1GB', '4bits', 'all']) {
    test(`"${text}" is refused`, () =>
      assert.throws(
        () => parseMemory(text),
        curvatureError('option-invalid', /such as 800MB or 4GB|no amount/),
      ));
  }
  test('is by default at most 8 GB', () => {
    assert.ok(memoryBudget(undefined) > 0 && memoryBudget(undefined) <= 8e9);
  });
});

describe('values alive at once', () => {
  const one = (): number => 1;

  test('live from their node to their last reader', () => {
    const graph = makeGraph([input('x', 4)], {}, [
      ['Relu', ['x'], 'a'],
      ['Neg', ['a'], 'b'],
      ['Neg', ['b'], 'c'],
      ['Add', ['a', 'c'], 'y'],
    ]);
    // At c: a, b and c; at y: a, c and y.
    assert.equal(liveBytes(graph, graph.nodes, one), 3);
  });

  test('share the buffer of what they are a view of', () => {
    const graph = makeGraph([input('x', 4)], { shape: int64Tensor([2, 2]) }, [
      ['Relu', ['x'], 'a'],
      ['Reshape', ['a', 'shape'], 'b'],
      ['Neg', ['b'], 'y'],
    ]);
    assert.equal(liveBytes(graph, graph.nodes, one), 2);
  });

  test('in the order of ONNX Runtime, which takes the last input first', () => {
    const graph = makeGraph([input('x', 4)], {}, [
      ['Relu', ['x'], 'a'],
      ['Neg', ['x'], 'b'],
      ['Neg', ['b'], 'c'],
      ['Add', ['a', 'c'], 'y'],
    ]);
    assert.deepEqual(
      depthFirst(graph).map(n => n.name),
      ['b', 'c', 'a', 'y'],
    );
  });
});

describe('fitting to memory', () => {
  const fit = (model: string, options: Partial<AnalyzeOptions>) =>
    fitToMemory(openModel(model), { ...defaultOptions, model, executionProvider: 'cpu', ...options });

  test('takes all samples and eight probes where there is room', async () => {
    const { ready, probesPerRun, predictedBytes } = await fit(convolutions, {
      ...{ samples: 4, memory: '8GB', matrix: 'both', eigenvalues: 1 },
    });
    assert.equal(ready.problem.batch, 4);
    assert.equal(probesPerRun, 8);
    assert.ok(predictedBytes < 8e9);
  });

  test('takes fewer probes first, then fewer samples', async () => {
    const options = { samples: 16, matrix: 'hessian', eigenvalues: 0 } as const;
    const { predictedBytes: whole } = await fit(convolutions, { ...options, memory: '8GB' });
    const within = async (share: number) => {
      const megabytes = Math.floor((share * whole) / 1e6);
      const fitted = await fit(convolutions, { ...options, memory: `${megabytes}MB` });
      assert.ok(fitted.predictedBytes <= megabytes * 1e6);
      return [fitted.ready.problem.batch, fitted.probesPerRun];
    };
    const [sameBatch, fewerProbes] = await within(0.85);
    assert.equal(sameBatch, 16);
    assert.ok(fewerProbes >= 1 && fewerProbes < 8, `${fewerProbes} probes`);
    const [smallerBatch, oneProbe] = await within(0.55);
    assert.ok(smallerBatch >= 1 && smallerBatch < 16, `${smallerBatch} samples`);
    assert.equal(oneProbe, 1);
  });

  test('leaves eigenvalues out where only they are too large, and says so', async () => {
    const { eigenvalues, ready, predictedBytes } = await fit(blocks, { samples: 4, memory: '900MB' });
    assert.equal(eigenvalues, 0);
    assert.ok(predictedBytes < 900e6);
    const warning = ready.diagnostics.find(d => d.code === 'eigenvalues-left-out');
    assert.match(warning?.message ?? '', /need about 1\.\d+ GB, and 900 MB may be used.*--memory/);
  });

  test('refuses what does not fit at all, with both numbers', async () => {
    await assert.rejects(
      fit(blocks, { samples: 2, memory: '150MB' }),
      (error: unknown) =>
        error instanceof CurvatureError &&
        error.code === 'memory-exceeded' &&
        /a single sample need about \d+ MB, and 150 MB may be used/.test(error.message),
    );
  });
});
