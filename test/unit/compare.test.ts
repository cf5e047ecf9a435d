import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { EigenvalueDecomposition, Matrix, SingularValueDecomposition } from 'ml-matrix';
import { compareHessians } from '../../src/engine';
import { type CompareOptions, defaultCompareOptions } from '../../src/engine/analysis/matrixOptions';
import { principalAngles } from '../../src/engine/estimators/eigenspace';
import { compareReports } from '../../src/engine/report/compareReports';
import { hessianComparisonToText, reportComparisonToText } from '../../src/engine/report/comparisonText';
import { assertClose, curvatureError } from '../support/assertions';
import { Workspace } from '../support/models';
import type { Report } from '../../src/engine/report/schema';
import { sampleReport } from '../support/report';
import {
  gradientOf,
  hessianOf,
  range,
  SAMPLES,
  samplesAt,
  softmaxData,
  softmaxModel,
  weight,
} from '../support/softmaxRegression';

const workspace = new Workspace();
after(() => workspace.remove());

const HALF = SAMPLES / 2;
const moved = weight.map((w, i) => w + 0.3 * Math.sin(i));
const models = [softmaxModel(workspace), softmaxModel(workspace, 'moved.onnx', moved)];
const data = [softmaxData(workspace, 'a.npz', 0, HALF), softmaxData(workspace, 'b.npz', HALF, SAMPLES)];
const COUNT = 3;

const eigen = (m: Matrix): { values: number[]; vectors: Matrix } => {
  const { realEigenvalues: all, eigenvectorMatrix } = new EigenvalueDecomposition(m, {
    assumeSymmetric: true,
  });
  const order = all.map((_, i) => i).sort((i, j) => all[j] - all[i]);
  return {
    values: order.map(i => all[i]),
    vectors: eigenvectorMatrix.subMatrixColumn(order.slice(0, COUNT)),
  };
};
const cosine = (a: Matrix, b: Matrix): number => a.dot(b) / (a.norm() * b.norm());

const cases: [
  what: string,
  own: Pick<CompareOptions, 'models' | 'data'>,
  weights: Float32Array,
  from: number,
][] = [
  ['one model on two sets of data', { models: models.slice(0, 1), data }, weight, HALF],
  ['two models on one set', { models, data: data.slice(0, 1) }, moved, 0],
];
for (const [what, own, weights, from] of cases) {
  test(`${what}, against dense Hessians in float64`, async () => {
    const found = await compareHessians({
      ...defaultCompareOptions,
      ...own,
      count: COUNT,
      executionProvider: 'cpu',
    });
    const [a, b] = [hessianOf(range(0, HALF)), hessianOf(range(from, from + HALF), samplesAt(weights))];
    const [inA, inB] = [eigen(a), eigen(b)];
    found.a.eigenvalues.forEach(({ value }, i) => assertClose(value, inA.values[i], 1e-5));
    found.b.eigenvalues.forEach(({ value }, i) => assertClose(value, inB.values[i], 1e-5));
    const differences = eigen(Matrix.sub(b, a)).values;
    const largest = differences.reduce((x, y) => (Math.abs(y) > Math.abs(x) ? y : x));
    assertClose(found.difference.value, largest, 1e-4);
    const cosines = new SingularValueDecomposition(inA.vectors.transpose().mmul(inB.vectors)).diagonal;
    // The vectors are off by the residual over the gap to the next eigenvalue.
    found.angles.forEach((angle, i) => assert.ok(Math.abs(Math.cos(angle) - cosines[i]) < 1e-3));
    assertClose(found.overlap, cosines.reduce((s, c) => s + c * c, 0) / COUNT, 1e-3);
    const gradients = [gradientOf(range(0, HALF)), gradientOf(range(from, from + HALF), samplesAt(weights))];
    const [g, h] = gradients.map(v => Matrix.columnVector(Array.from(v)));
    assertClose(found.gradientCosine, cosine(g, h), 1e-4);
    assertClose(found.productCosine, cosine(a.mmul(g), b.mmul(h)), 1e-4);
    assert.match(
      hessianComparisonToText(found),
      /^Spectral norm of the difference B − A: [\d.]+, [\d.]+ % of A's λmax/m,
    );
  });
}

test('angles between planes that are turned by a known angle', () => {
  const turned = (angle: number): Float64Array => Float64Array.of(0, Math.cos(angle), Math.sin(angle));
  const [first, ...more] = principalAngles(
    [Float64Array.of(1, 0, 0), turned(0)],
    [turned(0.3), Float64Array.of(1, 0, 0)],
  );
  assert.ok(first < 1e-7);
  assertClose(more[0], 0.3, 1e-9);
});

describe('two reports', () => {
  const a = sampleReport();
  const b = structuredClone(a);
  const [{ name }] = a.layers;
  const layer = b.layers[0] as { trace: { ggn?: { estimate: number; stderr: number } }; bits: number | null };
  Object.assign(layer.trace.ggn!, { estimate: 14, stderr: 0.3 });
  layer.bits = 8;
  Object.assign(a.layers[0], { bits: 4 });
  const { layers, notes, onlyInA } = compareReports(a, b);

  test('differences in standard errors of both, ranks and bits', () => {
    const [first] = layers;
    assert.equal(first.name, name);
    assertClose(first.difference, 1.5, 1e-12);
    assertClose(first.z!, 1.5 / Math.hypot(0.25, 0.3), 1e-12);
    assert.deepEqual(first.bits, { a: 4, b: 8 });
    assert.equal(first.differs, true);
    assertClose(first.ratio!.estimate, 14 / 12.5, 1e-12);
    assert.deepEqual(
      layers.slice(1).map(l => l.differs),
      layers.slice(1).map(() => false),
    );
    assert.deepEqual([notes, onlyInA], [[], []]);
  });

  test('a layer without errors has no z; ranks follow the average trace', () => {
    const changed = structuredClone(a);
    const second = layers.findIndex(l => l.rank.a === 2);
    const changedLayer = changed.layers.find(l => l.name === layers[second].name)!;
    Object.assign(changedLayer, { averageTrace: 1e6 });
    Object.assign(changedLayer.trace.ggn!, { stderr: 0, exact: true });
    const found = compareReports(a, changed).layers[second];
    assert.deepEqual(found.rank, { a: 2, b: 1 });
    const same = compareReports(changed, changed).layers[second];
    assert.deepEqual([same.z, same.differs], [null, false]);
  });

  test('two exact traces differ by more than rounding, and no error is needed for that', () => {
    const exact = (estimate: number): Report => {
      const report = structuredClone(a);
      Object.assign(report.layers[0].trace.ggn!, { estimate, stderr: 0, exact: true });
      return report;
    };
    const differs = (x: number, y: number): boolean => compareReports(exact(x), exact(y)).layers[0].differs;
    assert.deepEqual([differs(1, 1.001), differs(1, 1 + 1e-6), differs(0, 0)], [true, false, false]);
    assert.match(reportComparisonToText(compareReports(exact(1), exact(2))), /exact\*/);
  });

  test('sums and suggestions of both, and what is compared in words', () => {
    const moved = structuredClone(b);
    moved.data = { ...moved.data, file: 'shifted.npz', sha256: 'ef'.repeat(32) };
    const found = compareReports(a, moved);
    const traces = a.layers.flatMap(l => l.trace[found.matrix] ?? []);
    assertClose(
      found.a.trace.estimate,
      traces.reduce((sum, t) => sum + t.estimate, 0),
      1e-12,
    );
    assertClose(
      found.a.trace.stderrAtMost,
      traces.reduce((sum, t) => sum + t.stderr, 0),
      1e-12,
    );
    assert.deepEqual(found.a.suggestion, a.budget?.chosen ?? null);
    assert.equal(found.subject, 'One model on two sets of data: net.onnx, on eval.npz and shifted.npz.');
    moved.model = { ...moved.model, file: 'after.onnx', sha256: '12'.repeat(32) };
    assert.match(compareReports(a, moved).subject, /^Two models on two sets of data: .* from either\.$/);
    moved.data = a.data;
    assert.match(compareReports(a, moved).subject, /^Two models on one set of data: net.onnx and after.onnx/);
    assert.match(compareReports(a, a).subject, /measured twice/);
  });

  test('layers of one report alone, and settings that differ, are told', () => {
    const renamed = structuredClone(a);
    Object.assign(renamed.layers[0], { name: 'new' });
    Object.assign(renamed.settings, { loss: 'mse' });
    const found = compareReports(a, renamed);
    assert.deepEqual([found.onlyInA, found.onlyInB], [[name], ['new']]);
    assert.match(found.notes[0], /differ in loss: cross-entropy and mse/);
    assert.match(reportComparisonToText(found), /^Only in B: new\.$/m);
  });

  test('the text marks what differs and names bits that change', () => {
    const text = reportComparisonToText(compareReports(a, b));
    assert.match(text, /3\.8\*/);
    assert.match(text, /Suggested bits that change: .* 4 → 8/);
  });
});

test('models whose layers differ are refused', async () => {
  const wide = softmaxModel(workspace, 'wide.onnx', weight);
  const options = { ...defaultCompareOptions, data: data.slice(0, 1), executionProvider: 'cpu' };
  await assert.rejects(
    compareHessians({ ...options, models: [wide, models[0]], layers: ['nothing*'] }),
    curvatureError('option-invalid', /No parameter matches/),
  );
});
