import { axesOf, boundGraph, fixedBatch, sampleFeeds } from '../curvature/problem';
import type { Layer } from '../curvature/layers';
import type { Dataset } from '../data/dataset';
import { CurvatureError } from '../errors';
import type { ExportFormat } from '../export/options';
import type { Graph } from '../graph/graph';
import { encodeApart } from '../graph/toModel';
import { readModelFile } from '../onnx/read';
import type { Tensor } from '../onnx/tensor';
import type { LayerLatency, Latency, Time } from '../report/latency';
import type { Diagnostic } from '../report/schema';
import { cpuDevice } from '../runtime/device';
import { TimedModel } from '../runtime/kernelTimes';
import { cpuSession, type Feeds, Session } from '../runtime/session';
import { encodeForm, FLOAT, type LatencyTask, planLatency, valuesRead } from './latencyPlan';
import type { Run } from './run';
import { timeSideBySide } from './timing';

/** What is known of the layers' latency so far. */
export interface MeasuredLatency {
  of: Latency;
  /** By initializer: milliseconds per bit width, and what stands beside them. */
  readonly layers: Map<string, { readonly ms: Record<string, number>; readonly beside: LayerLatency }>;
  readonly notes: Diagnostic[];
}

/**
 * Times each layer alone on this machine's CPU, in float32 and as the export stores it at each width, on what it reads for the first samples:
 * one, or as many as the file asks for. Layers that do the same work are timed once.
 */
export async function measureLatency(run: Run, format: ExportFormat): Promise<void> {
  const { model, options, setUp } = run.state;
  const { dataset, session } = setUp.problem;
  const { threads } = session;
  const batch = fixedBatch(model.graph, axesOf(dataset)) ?? 1;
  const graph = boundGraph(model.graph, dataset);
  const values = await valuesOf(graph, valuesRead(model, graph), dataset, batch);
  const typeOf = (value: string): Tensor => values.get(value)!;
  const { model: file } = readModelFile(model.file);
  const { tasks, leftOut } = planLatency(model, file, graph, typeOf, options.bits, {
    format,
    granularity: options.granularity,
  });
  const found: MeasuredLatency = {
    of: { format, device: cpuDevice.name, threads, batch },
    layers: new Map(),
    notes: leftOut.map(({ layer, reason }) => unknown(layer, reason)),
  };
  if ([...model.currentBits.values()].includes(16)) found.notes.push(inFloat32);
  run.state.latency = found;
  const sharing = sharesOf(model.layers);
  for (const [t, task] of tasks.entries()) {
    const { layers, stored } = task;
    run.progress.step(
      'latency',
      `Latency: layer ${layers[0].name}, ${t + 1} of ${tasks.length}`,
      t / (tasks.length + 1),
    );
    const feeds = Object.fromEntries(task.graph.inputs.map(({ name }) => [name, values.get(name)!]));
    try {
      const times = await timeForms(task, feeds, threads, run.signal);
      for (const layer of layers)
        found.layers.set(layer.initializer, latencyOf(times, stored, sharing.get(layer)!));
    } catch (error) {
      if (error instanceof CurvatureError && error.code === 'cancelled') throw error;
      found.notes.push(...layers.map(layer => unknown(layer, (error as Error).message)));
    }
    run.partial();
  }
  run.progress.step('latency', 'Latency of the whole model in float32', tasks.length / (tasks.length + 1));
  found.of = { ...found.of, model: await timeModel(graph, sampleFeeds(dataset, batch), threads, run.signal) };
}

/** What layers read: the inputs as they are fed, and other values from one run. */
async function valuesOf(
  graph: Graph,
  names: readonly string[],
  dataset: Dataset,
  batch: number,
): Promise<Map<string, Tensor>> {
  const feeds = sampleFeeds(dataset, batch);
  const values = new Map(Object.entries(feeds));
  const outputs = names.filter(name => !values.has(name));
  if (outputs.length === 0) return values;
  const session = await Session.create({ ...graph, outputs }, { ...cpuSession, optimize: false });
  try {
    for (const [name, value] of Object.entries(await session.run(feeds))) values.set(name, value);
  } finally {
    await session.dispose();
  }
  return values;
}

/** Times by form. */
async function timeForms(
  task: LatencyTask,
  feeds: Feeds,
  threads: number,
  signal: AbortSignal | undefined,
): Promise<Map<string, Time>> {
  const models: TimedModel[] = [];
  try {
    for (const form of task.forms)
      models.push(await TimedModel.create(await encodeForm(task, form), [], threads, 'kernels'));
    const times = await timeSideBySide(models, feeds, signal);
    return new Map(task.forms.map(({ name }, f) => [name, times[f]]));
  } finally {
    for (const model of models) await model.dispose();
  }
}

async function timeModel(
  graph: Graph,
  feeds: Feeds,
  threads: number,
  signal: AbortSignal | undefined,
): Promise<Time> {
  const { model, beside } = encodeApart(graph);
  const inputs = Object.fromEntries(graph.inputs.map(({ name }) => [name, feeds[name]]));
  const timed = await TimedModel.create(model, beside, threads, 'call');
  try {
    return (await timeSideBySide([timed], inputs, signal))[0];
  } finally {
    await timed.dispose();
  }
}

/** Weights of one node, such as an LSTM's, bear equal shares of its time, so that the layers' add up to it. */
function sharesOf(layers: readonly Layer[]): Map<Layer, number> {
  const at = new Map<string, number>();
  for (const [node] of layers.map(l => l.nodes)) at.set(node, (at.get(node) ?? 0) + 1);
  return new Map(layers.map(layer => [layer, 1 / at.get(layer.nodes[0])!]));
}

function latencyOf(
  times: ReadonlyMap<string, Time>,
  stored: Readonly<Record<string, string>>,
  share: number,
): { ms: Record<string, number>; beside: LayerLatency } {
  const float = times.get(FLOAT)!;
  const perBits = (of: keyof Time): Record<string, number> =>
    Object.fromEntries(Object.entries(stored).map(([b, form]) => [b, share * times.get(form)![of]]));
  return {
    ms: perBits('ms'),
    beside: {
      float32: { ms: share * float.ms, spread: share * float.spread },
      spread: perBits('spread'),
      stored,
    },
  };
}

const unknown = ({ name }: Layer, reason: string): Diagnostic => ({
  severity: 'warning',
  code: 'latency-unknown',
  layer: name,
  message: `The latency of ${name} is not measured: ${reason}. Without it no budget on latency can be kept.`,
});

const inFloat32: Diagnostic = {
  severity: 'info',
  code: 'latency-in-float32',
  message: 'The model holds weights in half precision; latency is measured with float32 arithmetic.',
};
