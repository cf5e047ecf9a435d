import assert from 'node:assert/strict';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { analyze, coverage } from '../../src/engine';
import { openModel } from '../../src/engine/analysis/model';
import { defaultOptions } from '../../src/engine/analysis/options';
import { setUp } from '../../src/engine/analysis/setUp';
import { lossAndGradient } from '../../src/engine/curvature/products';
import { coverageToText } from '../../src/engine/report/coverageText';
import { reportToText } from '../../src/engine/report/text';
import { Rng } from '../../src/engine/util/rng';
import { assertClose, curvatureError } from '../support/assertions';
import { Workspace } from '../support/models';

const workspace = new Workspace();
after(() => workspace.remove());
const fixture = (name: string): string => path.join('test/fixtures/exports', name);
const options = { ...defaultOptions, eigenvalues: 0, executionProvider: 'cpu' };

const [NODES, EDGES, GRAPHS] = [7, 12, 3];
const random = Rng.of(6, 'graphs');
const nodes = random.normals(GRAPHS * NODES * 6);
const edges = BigInt64Array.from({ length: GRAPHS * 2 * EDGES }, () => BigInt(random.below(NODES)));
const labels = BigInt64Array.from({ length: GRAPHS * NODES }, () => BigInt(random.below(3)));
/** Graphs `from` … `to` − 1, with an axis that counts them only where there are several. */
function dataOf(from: number, to: number): string {
  const front = to - from === 1 ? [] : [to - from];
  const part = <T extends Float32Array | BigInt64Array>(all: T): T => {
    const width = all.length / GRAPHS;
    return all.slice(from * width, to * width) as T;
  };
  return workspace.npz(`${from}-${to}.npz`, {
    nodes: { shape: [...front, NODES, 6], data: part(nodes) },
    edges: { shape: [...front, 2, EDGES], data: part(edges) },
    labels: { shape: [...front, NODES], data: part(labels) },
  });
}

describe('a network over a graph', () => {
  test('the report says that the graph is one sample, and has no errors that would need several', async () => {
    const report = await analyze({
      ...options,
      model: fixture('gcn_fixed_legacy17.onnx'),
      data: dataOf(0, 1),
    });
    assert.equal(report.samples, 1);
    const [note] = report.diagnostics.filter(d => d.code === 'whole-sample');
    assert.match(
      note.message,
      /all inputs together are one sample.*mean over all rows.*errors are those of the draws/,
    );
    for (const { trace } of report.layers) {
      assert.ok(trace.ggn!.estimate > 0);
      assert.equal(trace.ggn!.dataStderr, undefined);
    }
    assert.ok(report.budget!.joint!.divergence.value > 0);
    assert.equal(report.budget!.joint!.divergence.stderr, undefined);
    const text = reportToText(report);
    assert.match(text, /on 1 sample of 0-1\.npz/);
    assert.doesNotMatch(text, /NaN|± 0(?![.\d])|Other samples/);
  });

  test('several graphs of one size have the mean of their losses and gradients', async () => {
    const measure = async (data: string) => {
      const { problem, parameters } = await setUp(openModel(fixture('gcn_dynamo20.onnx')), {
        ...options,
        data,
      });
      assert.equal(problem.batch, 1);
      return lossAndGradient(problem, parameters);
    };
    const together = await measure(dataOf(0, GRAPHS));
    const alone: (typeof together)[] = [];
    for (let g = 0; g < GRAPHS; g++) alone.push(await measure(dataOf(g, g + 1)));
    const mean = (of: (found: typeof together) => number): number =>
      alone.reduce((sum, found) => sum + of(found) / GRAPHS, 0);
    assertClose(
      together.loss,
      mean(found => found.loss),
      1e-6,
    );
    const scale = Math.max(...together.gradient.get('first.weight')!.map(Math.abs));
    together.gradient.get('first.weight')!.forEach((g, i) => {
      assert.ok(Math.abs(g - mean(found => found.gradient.get('first.weight')![i])) < 1e-5 * scale);
    });
  });

  test('made-up graphs have edges among all of their nodes', async () => {
    const { problem } = await setUp(openModel(fixture('gcn_dynamo20.onnx')), { ...options, samples: 4 });
    const found = new Set([...problem.dataset.inputs.get('edges')!.data].map(Number));
    const [, count] = problem.dataset.inputs.get('nodes')!.shape;
    assert.deepEqual(
      [...found].sort((a, b) => a - b),
      [...Array(count).keys()],
    );
  });

  test('coverage says so without data', async () => {
    const found = await coverage(fixture('gcn_dense_legacy17.onnx'));
    assert.equal(found.parameters.exact, found.parameters.total);
    const text = coverageToText(found);
    assert.match(text, /warning: .*all inputs together are one sample/);
    assert.doesNotMatch(text, /One sample tells nothing/);
  });

  for (const [what, array, message] of [
    [
      'labels',
      labels.slice(0, 5),
      /Labels 'labels' have shape \[5\] for a sample; for an output of shape \[7, 3\] expected \[3\] or \[7\]/,
    ],
    [
      'targets',
      random.normals(5),
      /Targets 'targets' have shape \[5\] for a sample; the output's is \[7, 3\]/,
    ],
  ] as const) {
    test(`${what} of another length are refused, in the shapes of the file`, async () => {
      const data = workspace.npz('wrong.npz', {
        nodes: { shape: [NODES, 6], data: nodes.slice(0, NODES * 6) },
        edges: { shape: [2, EDGES], data: edges.slice(0, 2 * EDGES) },
        [what]: { shape: [5], data: array },
      });
      await assert.rejects(
        setUp(openModel(fixture('gcn_fixed_legacy17.onnx')), { ...options, data }),
        curvatureError('labels-invalid', message),
      );
    });
  }
});
