import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import {
  analyze,
  type AnalyzeOptions,
  parseReport,
  prove,
  type Report,
  stringifyReport,
} from '../../src/engine';
import { allocateFile } from '../../src/engine/analysis/allocate';
import { defaultOptions, defaultProveOptions } from '../../src/engine/analysis/options';
import { float32Tensor } from '../../src/engine/onnx/tensor';
import { reportToText } from '../../src/engine/report/text';
import { assertClose } from '../support/assertions';
import { input, makeGraph, Workspace } from '../support/models';

const workspace = new Workspace();
after(() => workspace.remove());

const run = (model: string, data: string | undefined, options: Partial<AnalyzeOptions>): Promise<Report> =>
  analyze({ ...{ ...defaultOptions, model, data, eigenvalues: 0, executionProvider: 'cpu' }, ...options });
const bitsOf = ({ layers }: Report): (number | null)[] => layers.map(({ bits }) => bits);

describe('three matrices whose outputs are added', async () => {
  // At 2 bits, levels are −1, 0 and 1 times the largest weight, 1: the second weights' errors are −0.45, −0.42 and 0.49. At 8 bits they are below 0.004.
  const SAMPLES = 16;
  const model = workspace.model(
    'sum.onnx',
    makeGraph(
      [input('x', 'N', 2)],
      {
        first: float32Tensor([2, 1], Float32Array.of(1, 0.45)),
        second: float32Tensor([2, 1], Float32Array.of(1, 0.42)),
        third: float32Tensor([2, 1], Float32Array.of(1, 0.51)),
      },
      [
        ['MatMul', ['x', 'first'], 'a'],
        ['MatMul', ['x', 'second'], 'b'],
        ['MatMul', ['x', 'third'], 'c'],
        ['Add', ['a', 'b'], 'ab'],
        ['Add', ['ab', 'c'], 'y'],
      ],
    ),
  );
  const x = Float32Array.from({ length: 2 * SAMPLES }, (_, i) => Math.sin(1 + i));
  const data = workspace.npz('sum.npz', {
    x: { shape: [SAMPLES, 2], data: x },
    targets: { shape: [SAMPLES, 1], data: new Float32Array(SAMPLES) },
  });
  // Two of three layers at 2 bits.
  const options = { bits: [2, 8], budget: '16B', granularity: 'tensor' as const };
  const report = await run(model, data, options);
  const square = x.reduce((sum, v, i) => sum + (i % 2 === 1 ? v * v : 0), 0) / SAMPLES;

  test('errors that cancel are suggested in place of the least sum, whose errors add up', () => {
    const { joint, chosen, bytes } = report.budget!;
    assert.deepEqual(joint!.bySum.bits, [2, 2, 8]);
    assert.deepEqual(bitsOf(report), [2, 8, 2]);
    assert.ok(chosen.bytes <= bytes);
    // (Σ δ)² E[x²], by hand; what 8 bits round the wide layer by is left out, 0.0016 at most.
    assertClose(joint!.bySum.divergence.value, 0.87 ** 2 * square, 0.01);
    assert.ok(Math.abs(Math.sqrt(joint!.divergence.value / square) - 0.04) < 0.004);
    assert.equal(joint!.samples, SAMPLES);
    assert.ok(chosen.sensitivity > joint!.bySum.sensitivity);
  });

  test('without runs the least sum is suggested, and `allocate` answers it with or without them', async () => {
    const plain = await run(model, data, { ...options, jointRuns: 0 });
    assert.equal(plain.budget!.joint, undefined);
    assert.equal(plain.settings.jointRuns, undefined);
    assert.deepEqual(bitsOf(plain), report.budget!.joint!.bySum.bits);
    assert.deepEqual(plain.frontier, report.frontier);
    const none = { ties: [], pins: {}, budgets: [], method: 'pareto', seed: 0, draws: 0 } as const;
    const answers = await Promise.all([plain, report].map(r => allocateFile(stringifyReport(r), none)));
    assert.deepEqual(answers[0], answers[1]);
    assert.deepEqual(Object.values(answers[0].bits), [2, 2, 8]);
  });

  test('the report keeps to its schema and says how it chose', () => {
    assert.deepEqual(parseReport(stringifyReport(report)), report);
    assert.match(
      reportToText(report),
      /Chosen among \d+ run on 16 samples with all layers quantized: the outputs change by \S+ ± \S+ \(mean squared change\), by 0\.\d+ ± \S+ at the least ΣΩ/,
    );
  });

  test('made-up inputs decide nothing', async () => {
    const { budget } = await run(model, undefined, options);
    assert.equal(budget!.joint, undefined);
  });
});

describe('a trained ResNet at 3.5 bits per weight', async () => {
  const model = 'test/fixtures/models/resnet_mnist_legacy.onnx';
  const data = 'test/fixtures/models/mnist_eval.npz';
  const options = { samples: 128, budget: '3.5bits', jointRuns: 12 };
  const report = await run(model, data, options);
  const { joint } = report.budget!;

  test('is run as often as allowed, and ends where it changes less than at the least sum', () => {
    assert.ok(joint!.runs <= 12);
    assert.ok(joint!.divergence.value < joint!.bySum.divergence.value);
    assert.notDeepEqual(bitsOf(report), joint!.bySum.bits);
  });

  test('changes the outputs on samples of the search as the proof measures it', async () => {
    // The proof takes other data: the same samples in a file of their own.
    const bytes = readFileSync(data);
    const copy = workspace.write('copy.npz', Buffer.concat([bytes, Buffer.from('\n')]));
    const file = workspace.write('joint.curvature.json', stringifyReport(report));
    const proof = await prove({
      ...{ ...defaultProveOptions, model, report: file, data: copy, executionProvider: 'cpu' },
      ...{ samples: 128, random: 0, rivals: [] },
    });
    assertClose(proof.allocations[0].divergence.value, joint!.divergence.value, 1e-6);
    assert.deepEqual(
      Object.values(proof.allocations[0].bits),
      report.layers.map(({ bits }) => bits),
    );
  });

  test('comes out the same again', async () => {
    const again = await run(model, data, options);
    assert.deepEqual(again.budget, report.budget);
    assert.deepEqual(bitsOf(again), bitsOf(report));
  });
});
