import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { analyze, type AnalyzeOptions, type Report } from '../../../src/engine';
import { defaultOptions } from '../../../src/engine/analysis/options';
import { float32Tensor, int64Tensor, numElements } from '../../../src/engine/onnx/tensor';
import { Rng } from '../../../src/engine/util/rng';
import { assertClose, curvatureError } from '../../support/assertions';
import { input, makeGraph, Workspace } from '../../support/models';

const workspace = new Workspace();
after(() => workspace.remove());

const SAMPLES = 6;
const random = Rng.of(11, 'losses');
const normals = (...shape: number[]) => float32Tensor(shape, random.normals(numElements(shape)));
const squares = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, v) => sum + v * v, 0);

const x = normals(SAMPLES, 4);
const trunk = normals(4, 3);
const heads = [normals(3, 4), normals(3, 2)];

/** Two outputs on one trunk; `end` is what the second one ends in. */
const twoHeads = (end: string) => ({
  ...makeGraph([input('x', 'N', 4)], { trunk, head0: heads[0], head1: heads[1] }, [
    ['MatMul', ['x', 'trunk'], 'h'],
    ['MatMul', ['h', 'head0'], 'y0'],
    ['MatMul', ['h', 'head1'], 'z1'],
    ['ArgMax', ['y0'], 'best', { axis: { int: 1 } }],
    [end, ['z1'], 'y1'],
  ]),
  outputs: ['best', 'y0', 'y1'],
});
const model = workspace.model('heads.onnx', twoHeads('Identity'));
const data = workspace.npz('heads.npz', { x });

const run = (options: Partial<AnalyzeOptions>): Promise<Report> =>
  analyze({ ...defaultOptions, model, data, matrix: 'both', eigenvalues: 2, maxProbes: 100, ...options });

const notes = (report: Report): string =>
  report.diagnostics
    .filter(d => d.code === 'loss-choice')
    .map(d => d.message)
    .join('\n');

describe('several outputs', () => {
  test('mse of linear outputs is the sum of 2/(N k) (XᵀX ⊗ W Wᵀ)', async () => {
    const report = await run({ loss: 'mse' });
    const expected = heads.map(
      ({ shape, data: w }) =>
        (2 / (SAMPLES * shape[1])) * squares(x.data as Float32Array) * squares(w as Float32Array),
    );
    const { ggn, hessian } = report.layers.find(l => l.name === 'trunk')!.trace;
    assert.ok(ggn?.exact && hessian?.exact);
    assertClose(ggn.estimate, expected[0] + expected[1], 1e-4);
    assertClose(hessian.estimate, expected[0] + expected[1], 1e-4);
    assert.equal(report.model.output, 'y0, y1');
    assert.match(notes(report), /the sum of mse of "y0"; mse of "y1"/);
    assert.match(notes(report), /left out: "best"/);
  });

  for (const end of ['Identity', 'Sigmoid']) {
    test(`label-free traces are those of the outputs alone, added up (the second ends in ${end})`, async () => {
      const file = workspace.model(`${end}.onnx`, twoHeads(end));
      const [sum, first, second] = await Promise.all(
        [undefined, ['y0'], ['y1']].map(outputs => run({ model: file, outputs })),
      );
      sum.layers.forEach(({ name, trace }) => {
        const part = (report: Report): number =>
          report.layers.find(l => l.name === name)?.trace.ggn?.estimate ?? 0;
        assertClose(trace.ggn!.estimate, part(first) + part(second), 1e-4);
        assertClose(trace.hessian!.estimate, part(first) + part(second), 1e-3);
      });
      assert.match(
        notes(sum),
        end === 'Sigmoid' ? /kl of "y0"; mse of "y1", which ends in Sigmoid/ : /kl of "y0"; kl of "y1"/,
      );
      assert.match(first.layers.find(l => l.name === 'head1')!.reason ?? '', /does not depend/);
    });
  }

  test('labels choose the first output that they fit', async () => {
    const labelled = (values: number[], classes: number) =>
      workspace.npz(`labels${classes}.npz`, {
        x,
        labels: { shape: [values.length], data: BigInt64Array.from(values, BigInt) },
      });
    const report = await run({ data: labelled([0, 1, 2, 3, 1, 2], 4) });
    assert.equal(report.settings.loss, 'cross-entropy');
    assert.equal(report.model.output, 'y0');
    assert.match(notes(report), /The labels are taken for output "y0"; left out: "best", "y1"/);
    const targets = workspace.npz('targets.npz', { x, targets: normals(SAMPLES, 2) });
    const regression = await run({ data: targets });
    assert.equal(regression.settings.loss, 'mse');
    assert.equal(regression.model.output, 'y1');
  });

  test('outputs that are not there are named', () =>
    assert.rejects(run({ outputs: ['logits'] }), curvatureError('option-invalid', /no output "logits"/)));
});

describe('the loss that is chosen for an output', () => {
  const chosen = async (
    nodes: Parameters<typeof makeGraph>[2],
    options: Partial<AnalyzeOptions> = {},
    constants: Parameters<typeof makeGraph>[1] = {},
  ): Promise<Report> => {
    const graph = makeGraph([input('x', 'N', 4)], { w: normals(4, 6), ...constants }, [
      ['MatMul', ['x', 'w'], 'z'],
      ...nodes,
    ]);
    return run({ model: workspace.model('one.onnx', graph), eigenvalues: 0, matrix: 'ggn', ...options });
  };
  const scale = float32Tensor([6], new Float32Array(6).fill(1));

  for (const [what, nodes, loss] of [
    ['logits', [['Identity', ['z'], 'y']], 'kl'],
    ['logits with a bias', [['Add', ['z', 'scale'], 'y']], 'kl'],
    ['a distribution', [['Softmax', ['z'], 'y', { axis: { int: 1 } }]], 'kl'],
    ['bounded values', [['Tanh', ['z'], 'y']], 'mse'],
    ['a normalized embedding', [['LayerNormalization', ['z', 'scale'], 'y', { axis: { int: -1 } }]], 'mse'],
    [
      'a sum of streams',
      [
        ['Mul', ['z', 'z'], 'q'],
        ['Add', ['q', 'z'], 'y'],
      ],
      'mse',
    ],
  ] as [string, Parameters<typeof makeGraph>[2], string][]) {
    test(`${what}: ${loss}`, async () => {
      assert.equal((await chosen(nodes, {}, { scale })).settings.loss, loss);
    });
  }

  test('0 and 1 of the shape of the output are targets', async () => {
    const binary = workspace.npz('binary.npz', {
      x,
      labels: {
        shape: [SAMPLES, 6],
        data: BigInt64Array.from({ length: SAMPLES * 6 }, (_, i) => BigInt(i % 2)),
      },
    });
    assert.equal((await chosen([['Sigmoid', ['z'], 'y']], { data: binary })).settings.loss, 'mse');
    const single = workspace.npz('single.npz', {
      x,
      labels: { shape: [SAMPLES], data: BigInt64Array.of(0n, 1n, 1n, 0n, 1n, 0n) },
    });
    const report = await chosen([['MatMul', ['z', 'last'], 'y']], { data: single }, { last: normals(6, 1) });
    assert.equal(report.settings.loss, 'mse');
  });

  test('an output of one number for a whole batch is that of a sample which runs alone', async () => {
    const report = await chosen([['ReduceMean', ['z'], 'y', { keepdims: { int: 0 } }]]);
    assert.equal(report.settings.loss, 'mse');
    assert.ok(report.diagnostics.some(d => d.code === 'one-sample-at-once'));
    // y = Σ x W / 6, so that ∂y/∂W repeats x / 6 six times.
    const expected = (2 / SAMPLES) * (squares(x.data as Float32Array) / 6);
    assertClose(report.layers[0].trace.ggn!.estimate, expected, 1e-4);
  });

  test('samples on another axis are found, though axis 0 happens to be as long', async () => {
    const turned: Parameters<typeof makeGraph>[2] = [['Transpose', ['z'], 'y', { perm: { ints: [1, 0] } }]];
    const traceOf = ({ layers }: Report): number => layers[0].trace.ggn!.estimate;
    const w = normals(4, 6);
    const straight = await chosen([['Identity', ['z'], 'y']], { loss: 'kl' }, { w });
    assertClose(traceOf(await chosen(turned, { loss: 'kl' }, { w })), traceOf(straight), 1e-4);
  });

  test('positions that lie along axis 0 with the samples are told from them', async () => {
    const nodes: Parameters<typeof makeGraph>[2] = [['Reshape', ['z', 'rows'], 'y']];
    const flat = await chosen(nodes, {}, { rows: int64Tensor([-1, 2]) });
    const deep = await chosen(nodes, {}, { rows: int64Tensor([-1, 3, 2]) });
    assert.equal(flat.settings.loss, 'kl');
    assert.ok(flat.layers[0].trace.ggn!.exact);
    assert.deepEqual(Object.keys(flat.layers[0].trace), ['ggn']);
    assert.ok(deep.layers[0].trace.ggn!.estimate > 0 && flat.layers[0].trace.ggn!.estimate > 0);
  });
});
