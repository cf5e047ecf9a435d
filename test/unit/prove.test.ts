import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { analyze, prove, stringifyReport } from '../../src/engine';
import { openModel } from '../../src/engine/analysis/model';
import { defaultOptions, defaultProveOptions, type ProveOptions } from '../../src/engine/analysis/options';
import { quantizedLayers } from '../../src/engine/analysis/quantizedLayers';
import { openDataset } from '../../src/engine/data/dataset';
import { float32Tensor } from '../../src/engine/onnx/tensor';
import { proofSchema } from '../../src/engine/report/proof';
import { proofToText } from '../../src/engine/report/proofText';
import { Session } from '../../src/engine/runtime/session';
import { spearman } from '../../src/engine/util/rankCorrelation';
import { assertClose, curvatureError } from '../support/assertions';
import { Workspace } from '../support/models';

const workspace = new Workspace();
after(() => workspace.remove());

const model = 'test/fixtures/models/resnet_mnist_legacy.onnx';
const data = 'test/fixtures/models/mnist_eval.npz';
const SEEN = 128;

describe('a proof', async () => {
  const report = await analyze({
    ...{ ...defaultOptions, model, data, samples: SEEN, executionProvider: 'cpu', eigenvalues: 0 },
    ...{ bits: [2, 3, 4, 5, 6, 8], budget: '0' },
  });
  const file = workspace.write('resnet.curvature.json', stringifyReport(report));
  const options: ProveOptions = {
    ...{ ...defaultProveOptions, model, report: file, data, executionProvider: 'cpu' },
    ...{ skip: SEEN, rivals: ['sqnr', 'omegaGgn', 'fit'] },
  };
  const proof = await prove(options);
  const find = (name: string) => proof.allocations.find(a => a.name === name)!;

  test('measures on the samples behind those of the analysis', () => {
    assert.equal(proof.samples, 256 - SEEN);
    assert.equal(proof.skip, SEEN);
    assert.equal(proof.data.sha256, report.data.sha256);
  });

  test('compares with uniform widths, metrics that the report has, and random widths of the same size', () => {
    const names = proof.allocations.map(a => a.name);
    const random = Array.from({ length: 8 }, (_, k) => `random ${k + 1}`);
    // The report has no FIT: it was not asked for metrics.
    assert.deepEqual(names, ['suggestion', 'uniform 8', 'uniform 4', 'sqnr', 'omegaGgn', ...random]);
    assert.deepEqual(find('suggestion').bits, Object.fromEntries(report.layers.map(l => [l.name, l.bits])));
    assert.equal(find('suggestion').bytes, report.budget!.chosen.bytes);
    for (const rival of proof.allocations.slice(3))
      assert.ok(rival.bytes <= find('suggestion').bytes, rival.name);
    const drawn = proof.allocations.filter(a => a.kind === 'random').map(a => JSON.stringify(a.bits));
    assert.equal(new Set([...drawn, JSON.stringify(find('suggestion').bits)]).size, 9);
  });

  test('has the loss and accuracy that ONNX Runtime finds in a changed file', async () => {
    const opened = openModel(model);
    const { weightAt } = quantizedLayers(opened, 'auto');
    const { inputs } = opened.graph;
    const set = openDataset(readFileSync(data), 'mnist', { inputs, skip: SEEN });
    for (const { bits, loss, accuracy } of [find('suggestion'), find('uniform 4'), find('random 1')]) {
      const changed = opened.layers.map(
        l => [l.initializer, float32Tensor(l.shape, weightAt(l, bits[l.name]))] as const,
      );
      const initializers = new Map([...opened.graph.initializers, ...changed]);
      const session = await Session.create({ ...opened.graph, initializers });
      const { shape, data: x } = set.inputs.get(inputs[0].name)!;
      const results = await session.run({ [inputs[0].name]: { elemType: 'float32', shape, data: x } });
      await session.dispose();
      const [logits] = Object.values(results);
      const rows = Array.from({ length: set.samples }, (_, i) =>
        Array.from(logits.data.subarray(10 * i, 10 * i + 10) as Float32Array, Number),
      );
      const labels = Array.from(set.labels!.data as ArrayLike<bigint | number>, Number);
      const losses = rows.map(
        (row, i) => Math.log(row.reduce((sum, z) => sum + Math.exp(z), 0)) - row[labels[i]],
      );
      const hits = rows.filter((row, i) => row.indexOf(Math.max(...row)) === labels[i]).length;
      const mean = losses.reduce((sum, l) => sum + l, 0) / set.samples;
      assert.ok(Math.abs(mean - loss) < 1e-5 * mean, `${loss}, expected ${mean}`);
      assert.ok(Math.abs(accuracy! - hits / set.samples) < 1e-12);
    }
  });

  test('the suggestion does no worse than the best rival of its size, within twice the noise, and beats uniform 4 bit', () => {
    const rivals = proof.allocations.filter(a => a.kind === 'metric' || a.kind === 'random');
    const best = rivals.reduce((a, b) => (b.loss < a.loss ? b : a));
    const { value, stderr } = best.lossOverSuggestion!;
    assert.ok(value >= -2 * stderr!, `${best.name} is better by ${-value} ± ${stderr}`);
    assert.ok(find('uniform 4').loss > find('suggestion').loss);
    assert.ok(find('suggestion').bytes <= find('uniform 4').bytes);
  });

  test('tells how well each metric foretells the changes', () => {
    const omega = proof.agreement.find(a => a.metric === 'omegaGgn' && a.measured === 'divergence')!;
    const predicted = proof.single.map(s => s.predicted.omegaGgn!);
    const rho = spearman(
      predicted,
      proof.single.map(s => s.divergence.value),
    );
    assert.equal(omega.all, rho);
    assert.ok(rho > 0.9, `${rho}`);
    assert.ok(omega.allInterval!.low <= rho && rho <= omega.allInterval!.high);
  });

  test('keeps to its schema, and reads well', () => {
    assert.deepEqual(proofSchema.parse(proof), JSON.parse(JSON.stringify(proof)));
    const text = proofToText(proof);
    assert.match(text, /resnet_mnist_legacy\.onnx on 128 samples of mnist_eval\.npz after the first 128/);
    assert.match(text, /^suggestion +\d/m);
    assert.match(
      text,
      /^The suggestion (loses (as much as|less than)|is the same as) the best of 10 rivals of its size/m,
    );
  });

  test('measures a file of widths in place of the suggestion; layers that it leaves out stay in float32', async () => {
    const [first] = report.layers;
    const bits = workspace.write('one.bits.json', JSON.stringify({ bits: { [first.name]: 2 } }));
    const found = await prove({ ...options, bits, random: 0, rivals: [] });
    const alone = proof.single.find(s => s.layer === first.name && s.bits === 2)!;
    const { lossChange, bytes } = found.allocations[0];
    // Losses of some units in float32, by two graphs.
    assertClose(lossChange.value, alone.deltaLoss.value, 1e-6);
    const others = report.layers.slice(1).reduce((sum, l) => sum + 4 * l.parameters, 0);
    assert.equal(bytes, others + first.sizeBytes['2']);
    const unknown = workspace.write('unknown.bits.json', JSON.stringify({ bits: { nothing: 4 } }));
    await assert.rejects(
      prove({ ...options, bits: unknown }),
      curvatureError('problem-invalid', /a width for 'nothing', which is no layer of the report/),
    );
  });

  test('at 4 bits per weight the suggestion is smaller than uniform 4 bit and loses less, beyond twice the noise', async () => {
    const small = await analyze({
      ...{ ...defaultOptions, model, data, samples: SEEN, executionProvider: 'cpu', eigenvalues: 0 },
      ...{ budget: '4bits' },
    });
    const of = workspace.write('small.curvature.json', stringifyReport(small));
    const { allocations } = await prove({ ...options, report: of, random: 0, rivals: [] });
    const uniform = allocations.find(a => a.name === 'uniform 4')!;
    assert.ok(allocations[0].effectiveBits <= 4 && uniform.effectiveBits > 4);
    const { value, stderr } = uniform.lossOverSuggestion!;
    assert.ok(value > 2 * stderr!, `better by ${value} ± ${stderr}`);
    assert.equal(small.settings.granularity, 'auto');
  });

  test('refuses the data of the analysis, and the report of another model', async () => {
    await assert.rejects(
      prove({ ...options, skip: undefined }),
      curvatureError(
        'option-invalid',
        /the data of the analysis, which used the first 128 samples; none of them/,
      ),
    );
    await assert.rejects(
      prove({ ...options, skip: 127 }),
      curvatureError('option-invalid', /only 127 would be skipped/),
    );
    await assert.rejects(
      prove({ ...options, skip: 256 }),
      curvatureError('data-mismatch', /256 samples are to be skipped, and the data hold 256/),
    );
    await assert.rejects(
      prove({ ...options, model: 'test/fixtures/models/resnet_mnist_folded_legacy.onnx' }),
      curvatureError('option-invalid', /is of another model than resnet_mnist_folded_legacy\.onnx/),
    );
    await assert.rejects(
      prove({ ...options, report: 'nowhere.json' }),
      curvatureError('report-invalid', /'nowhere\.json' can't be read/),
    );
  });
});
