import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import {
  allocateFile,
  analyze,
  type AnalyzeOptions,
  parseReport,
  type Progress,
  type Report,
  stringifyReport,
} from '../../src/engine';
import { planLatency, type LatencyPlan } from '../../src/engine/analysis/latencyPlan';
import { openModel } from '../../src/engine/analysis/model';
import { defaultOptions } from '../../src/engine/analysis/options';
import { summarize } from '../../src/engine/analysis/timing';
import type { ExportFormat } from '../../src/engine/export/options';
import type { Graph } from '../../src/engine/graph/graph';
import { readModelFile } from '../../src/engine/onnx/read';
import { float32Tensor, int64Tensor, numElements, type Tensor } from '../../src/engine/onnx/tensor';
import { reportToText } from '../../src/engine/report/text';
import { runTimes } from '../../src/engine/runtime/kernelTimes';
import { Rng } from '../../src/engine/util/rng';
import { curvatureError } from '../support/assertions';
import { input, makeGraph, recurrentGraph, Workspace } from '../support/models';

const workspace = new Workspace();
after(() => workspace.remove());

const random = Rng.of(1, 'latency');
const weights = (...shape: number[]): Tensor =>
  float32Tensor(
    shape,
    Float32Array.from({ length: numElements(shape) }, () => random.normal() / 3),
  );

/** Two convolutions alike and one with another stride, and products with 6 columns, which are misread in 2 bits. */
const network = (opset: number): Graph =>
  makeGraph(
    [input('x', 'N', 4, 6, 6)],
    {
      first: weights(4, 4, 3, 3),
      second: weights(4, 4, 3, 3),
      strided: weights(4, 4, 3, 3),
      head: weights(16, 6),
    },
    [
      ['Conv', ['x', 'first'], 'a', { pads: { ints: [1, 1, 1, 1] } }],
      ['Conv', ['a', 'second'], 'b', { pads: { ints: [1, 1, 1, 1] } }],
      ['Conv', ['b', 'strided'], 'c', { strides: { ints: [3, 3] } }],
      ['Flatten', ['c'], 'd'],
      ['MatMul', ['d', 'head'], 'y'],
    ],
    opset,
  );

const shapes: Readonly<Record<string, readonly number[]>> = {
  ...{ x: [1, 4, 6, 6], a: [1, 4, 6, 6], b: [1, 4, 6, 6] },
  d: [1, 16],
};

function planOf(file: string, bits: readonly number[], format: ExportFormat): LatencyPlan {
  const model = openModel(file);
  const typeOf = (value: string) => ({ elemType: 'float32' as const, shape: shapes[value] });
  return planLatency(model, readModelFile(file).model, model.graph, typeOf, bits, {
    format,
    granularity: 'channel',
  });
}

const storedIn = ({ tasks }: LatencyPlan) =>
  Object.fromEntries(tasks.flatMap(t => t.layers.map(l => [l.name, Object.values(t.stored)])));

describe('what is timed', () => {
  const file = workspace.model('network.onnx', network(21));

  test('layers that do the same work are timed once, and widths that are stored alike too', () => {
    const { tasks, leftOut } = planOf(file, [2, 3, 4, 8], 'auto');
    assert.deepEqual(leftOut, []);
    assert.deepEqual(
      tasks.map(t => t.layers.map(l => l.name)),
      [['first', 'second'], ['strided'], ['head']],
    );
    const [conv] = tasks;
    assert.deepEqual(
      conv.forms.map(f => f.name),
      ['float32', 'DequantizeLinear int2', 'DequantizeLinear int4', 'DequantizeLinear int8'],
    );
    assert.deepEqual(conv.graph.outputs, ['a']);
    assert.deepEqual(conv.graph.inputs, [{ name: 'x', elemType: 'float32', shape: [1, 4, 6, 6] }]);
  });

  test('the forms are those of the export', () => {
    const forms = (type: string, ...bits: number[]): string[] => bits.map(b => `${type} int${b}`);
    const conv = forms('DequantizeLinear', 2, 4, 4, 8, 16);
    const layers = { first: conv, second: conv, strided: conv };
    const bits = [2, 3, 4, 6, 12];
    assert.deepEqual(storedIn(planOf(file, bits, 'auto')), {
      ...layers,
      head: [...forms('MatMulNBits', 2, 4, 4, 8), 'DequantizeLinear int16'],
    });
    // Six columns to a row are misread in 2 bits.
    assert.deepEqual(storedIn(planOf(file, bits, 'qdq')).head, forms('DequantizeLinear', 4, 4, 4, 8, 16));
    // Where MatMulNBits alone is written, convolutions stay as they are.
    const only = storedIn(planOf(file, bits, 'matmulnbits'));
    assert.deepEqual(only.first, Array(5).fill('float32'));
  });

  test('what bars a newer operator set in the file decides the forms of all its layers', () => {
    const barred = workspace.model(
      'barred.onnx',
      makeGraph(
        [input('x', 'N', 16)],
        { head: weights(16, 8) },
        [
          ['Softmax', ['x'], 's', { axis: { int: 0 } }],
          ['MatMul', ['s', 'head'], 'y'],
        ],
        12,
      ),
    );
    const model = openModel(barred);
    const typeOf = () => ({ elemType: 'float32' as const, shape: [1, 16] });
    const plan = planLatency(model, readModelFile(barred).model, model.graph, typeOf, [2, 4, 8], {
      format: 'qdq',
      granularity: 'channel',
    });
    const own = 'com.microsoft::DequantizeLinear';
    assert.deepEqual(storedIn(plan).head, [`${own} int4`, `${own} int4`, `${own} int8`]);
  });

  test('weights of branches and loops are left out with the reason', () => {
    const model = openModel(file);
    const nodes = model.graph.nodes.map(n => (n.name === 'y' ? { ...n, captures: ['head'] } : n));
    const typeOf = (value: string) => ({ elemType: 'float32' as const, shape: shapes[value] });
    const proto = readModelFile(file).model;
    const { tasks, leftOut } = planLatency(model, proto, { ...model.graph, nodes }, typeOf, [8], {
      format: 'qdq',
      granularity: 'channel',
    });
    assert.deepEqual(
      leftOut.map(({ layer, reason }) => [layer.name, reason]),
      [['head', 'it is used within a branch or loop']],
    );
    assert.equal(tasks.length, 2);
  });
});

describe('times', () => {
  test('a profile is read run by run, without changes of layout', () => {
    const event = (cat: string, name: string, dur: number, op = 'Conv'): string =>
      `{"cat" : "${cat}","pid" :1,"tid" :1,"dur" :${dur},"ts" :9,"ph" : "X","name" :"${name}","args" : {"op_name" : "${op}"}},`;
    const profile = [
      '[',
      event('Session', 'session_initialization', 900),
      event('Node', 'odd "name_kernel_time', 10, 'ReorderInput'),
      event('Node', 'node_0_kernel_time', 30),
      event('Node', 'node_1_kernel_time', 5, 'Add'),
      event('Session', 'SequentialExecutor::Execute', 60),
      event('Session', 'model_run', 70),
      event('Node', 'node_0_kernel_time', 20),
      event('Session', 'model_run', 40),
      ']',
    ].join('\n');
    assert.deepEqual(runTimes(profile), [0.036, 0.0205]);
  });

  test('the median of rounds passes over what interrupts runs and rounds', () => {
    const round = (t: number): number[] => [t, t, t, 50 * t];
    const times = [1, 1.1, 0.9, 1, 30].flatMap(round);
    // numpy: median and 75th less 25th percentile of 1, 1.1, 0.9, 1, 30.
    const { ms, spread } = summarize(times, 4);
    assert.equal(ms, 1);
    assert.ok(Math.abs(spread - 0.1) < 1e-12);
  });
});

describe('an analysis with latency', () => {
  const options: AnalyzeOptions = {
    ...defaultOptions,
    ...{ model: workspace.model('tiny.onnx', network(21)), executionProvider: 'cpu' },
    ...{ samples: 4, eigenvalues: 0, maxProbes: 4, measureUpTo: 0, latency: 'auto' },
  };

  test('has positive times for all layers and widths, with which budgets can be set', async () => {
    const seen: Progress[] = [];
    const report = await analyze(options, { onProgress: p => seen.push(p) });
    assert.ok(seen.some(p => p.stage === 'latency'));
    assert.deepEqual(parseReport(stringifyReport(report)), JSON.parse(JSON.stringify(report)));
    for (const { costs, latency } of report.layers) {
      assert.deepEqual(Object.keys(costs!.latency), ['2', '3', '4', '8']);
      for (const ms of [...Object.values(costs!.latency), latency!.float32.ms])
        assert.ok(Number.isFinite(ms) && ms > 0, String(ms));
      assert.equal(costs!.latency['3'], costs!.latency['4'], 'both are stored in 4 bits');
      assert.ok(costs!.bops, 'other costs stay');
    }
    assert.deepEqual(report.layers[0].costs!.latency, report.layers[1].costs!.latency);
    assert.ok(report.latency!.model!.ms > 0);
    assert.equal(report.latency!.batch, 1);
    await checkBudgets(report);
    assert.match(reportToText(report), /Latency of each layer alone:[^]*one sample to a run[^]*spread by/);
  });

  test('without the option there is none', async () => {
    const report = await analyze({ ...options, latency: undefined });
    assert.equal(report.latency, undefined);
    assert.ok(report.layers.every(l => l.latency === undefined && l.costs?.latency === undefined));
  });

  test('two weights of one node share its time, and the rest of a recurrent model is timed too', async () => {
    const model = workspace.model('recurrent.onnx', recurrentGraph(weights));
    const { layers, diagnostics } = await analyze({ ...options, model });
    assert.deepEqual(
      diagnostics.filter(d => d.code === 'latency-unknown' || d.code === 'stage-failed'),
      [],
    );
    assert.ok(layers.every(l => l.costs!.latency['8'] > 0));
  });

  test('can be cancelled on the way', async () => {
    const abort = new AbortController();
    const running = analyze(options, {
      signal: abort.signal,
      onProgress: p => {
        if (p.stage === 'latency') abort.abort();
      },
    });
    await assert.rejects(running, curvatureError('cancelled', /cancelled/));
  });

  test('indices of an embedding are those of the data', async () => {
    const model = workspace.model(
      'embedding.onnx',
      makeGraph(
        [{ name: 'ids', elemType: 'int64', shape: ['N', 5] }],
        { table: weights(11, 8), head: weights(8, 4), axes: int64Tensor([1]) },
        [
          ['Gather', ['table', 'ids'], 'e'],
          ['MatMul', ['e', 'head'], 'm'],
          ['ReduceMean', ['m', 'axes'], 'y', { keepdims: { int: 0 } }],
        ],
        21,
      ),
    );
    const { layers } = await analyze({ ...options, model });
    assert.ok(layers.every(l => l.costs!.latency['4'] > 0));
  });
});

/** Whatever the times, a budget in ms between the least and the largest sum can be met, and is. */
async function checkBudgets(report: Report): Promise<void> {
  const options = { method: 'pareto', draws: 0, seed: 0, ties: [], pins: {} } as const;
  const least = report.layers.reduce((sum, l) => sum + Math.min(...Object.values(l.costs!.latency)), 0);
  const answer = await allocateFile(stringifyReport(report), {
    ...options,
    budgets: [`latency=${1.001 * least}ms`],
  });
  assert.ok(answer.feasible);
  const chosen = report.layers.reduce((sum, l) => sum + l.costs!.latency[String(answer.bits[l.name])], 0);
  assert.ok(chosen <= 1.001 * least * (1 + 1e-9));
  assert.ok((await allocateFile(stringifyReport(report), { ...options, budgets: ['latency=50%'] })).feasible);
}
