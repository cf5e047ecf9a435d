import { type LossKind, targetsName, WEIGHT_INPUT } from '../autodiff/loss';
import { type InputArray, isFloat, moveAxis, type SampleAxis } from '../data/array';
import type { Dataset } from '../data/dataset';
import { pickSamples } from '../data/pickSamples';
import type { Graph } from '../graph/graph';
import { float32Tensor, numElements, type Tensor, type TypedArray } from '../onnx/tensor';
import { prepare } from '../runtime/prepare';
import type { Feeds, SessionOptions } from '../runtime/session';
import { type ChosenLoss, chooseLosses } from './chooseLosses';
import { countTerms, type Targets, toTargets } from './targets';

/** A model, its data and a loss, ready to be differentiated. All derivatives are of the mean loss over the data. */
export interface Problem extends ChosenLoss {
  readonly dataset: Dataset;
  readonly targets: Targets | undefined;
  /** Samples per run. */
  readonly batch: number;
  /** Bytes that the process may take. */
  readonly memory: number;
  readonly session: SessionOptions;
}

export interface ProblemOptions {
  /** The outputs to measure; by default all of floats that depend on parameters. */
  readonly outputs?: readonly string[];
  readonly loss: LossKind | 'auto';
  /** At most; the file may settle it, and the data may be fewer. */
  readonly batch: number;
  /** Shapes of the outputs for two samples, where they are known: they tell which axis counts the samples. */
  readonly pairShapes?: ReadonlyMap<string, readonly number[]>;
  /** Bytes that the process may take. */
  readonly memory: number;
  /** Build a graph for labels or targets that the data don't have; it can't be run over the data then. */
  readonly assumeLabels?: boolean;
  readonly session: SessionOptions;
}

/** Prepares a float32 graph for derivatives by `parameters` over the data. */
export async function makeProblem(
  graph: Graph,
  parameters: ReadonlySet<string>,
  dataset: Dataset,
  options: ProblemOptions,
): Promise<Problem> {
  const axes = axesOf(dataset);
  const batch = fixedBatch(graph, axes) ?? Math.min(options.batch, dataset.samples);
  const sample = sampleFeeds(dataset, batch);
  const shapes = new Map(Object.entries(sample).map(([name, { shape }]) => [name, shape]));
  const prepared = await prepare(boundGraph(graph, dataset), shapes, parameters, sample);
  const labels = dataset.labels ?? (options.assumeLabels ? 'assumed' : undefined);
  const { outputs, loss: kind, memory, session, pairShapes } = options;
  const isWhole = [...axes.values()].includes('whole');
  const shape = { samples: batch, pairShapes, isWhole };
  const chosen = chooseLosses(prepared, parameters, outputs, shape, kind, labels);
  const targets =
    chosen.loss.isLabelled && dataset.labels ? toTargets(dataset.labels, chosen.loss) : undefined;
  return { ...chosen, dataset, targets, batch, memory, session };
}

/** Integers and switches that are the same for all samples, such as a sampling rate, are constants: they may decide an If. */
export function boundGraph(graph: Graph, dataset: Dataset): Graph {
  const shared = boundInputs(dataset);
  if (shared.length === 0) return graph;
  const values = shared.map(
    ({ name, dtype, shape, data }) => [name, { elemType: dtype, shape, data }] as const,
  );
  return {
    ...graph,
    inputs: graph.inputs.filter(i => !shared.some(s => s.name === i.name)),
    initializers: new Map([...graph.initializers, ...values]),
  };
}

/** The inputs that are built into the graphs with the values that the data have. */
export const boundInputs = (dataset: Dataset): InputArray[] =>
  [...dataset.inputs.values()].filter(i => i.sampleAxis === null && !isFloat(i.dtype));

/** The problem on some of its samples, with the same graphs: derivatives are of the mean loss over these. */
export function onSamples(problem: Problem, places: readonly number[]): Problem {
  const dataset = pickSamples(problem.dataset, places);
  const targets = problem.targets && dataset.labels && toTargets(dataset.labels, problem.loss);
  return { ...problem, dataset, targets };
}

/** The batch that the file settles, if it does: 1 where it has no axis for samples. */
export function fixedBatch({ inputs }: Graph, axes: ReadonlyMap<string, SampleAxis>): number | undefined {
  const lengths = inputs.map(({ name, shape }) => {
    const axis = axes.get(name) ?? null;
    return axis === 'whole' ? 1 : axis === null ? null : shape[axis];
  });
  return lengths.find(d => typeof d === 'number');
}

/** Where each input has its samples. */
export const axesOf = ({ inputs }: Dataset): Map<string, SampleAxis> =>
  new Map([...inputs].map(([name, { sampleAxis }]) => [name, sampleAxis]));

/** Feeds for the batches of the data, in order: inputs, labels or targets, and weights that make sums means. */
export function* batches(problem: Problem): Generator<Feeds> {
  const { dataset, batch } = problem;
  for (let start = 0; start < dataset.samples; start += batch) yield feedsOf(problem, start);
}

export const numBatches = ({ dataset, batch }: Problem): number => Math.ceil(dataset.samples / batch);

function feedsOf({ dataset, loss, targets, batch }: Problem, start: number): Feeds {
  const part = dataset.batch(start, batch);
  const feeds: Record<string, Tensor> = sampleInputs(part.inputs, part.samples, batch);
  const terms = targets?.count ?? countTerms(loss, dataset.samples);
  feeds[WEIGHT_INPUT] = float32Tensor(
    [batch],
    Float32Array.from({ length: batch }, (_, i) => (i < part.samples ? 1 / terms : 0)),
  );
  if (targets) {
    const shape = loss.kind === 'mse' ? loss.shape : loss.shape.filter((_, i) => i !== loss.classAxis);
    const width = numElements(shape.slice(1));
    const rows = targets.data.subarray(start * width, (start + part.samples) * width);
    feeds[targetsName(loss.kind)] = {
      elemType: loss.kind === 'mse' ? 'float32' : 'int64',
      shape,
      data: padded(rows, width, width * batch),
    };
  }
  return feeds;
}

function sampleInputs(
  inputs: ReadonlyMap<string, InputArray>,
  samples: number,
  batch: number,
): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  for (const [name, { dtype: elemType, shape, data, sampleAxis }] of inputs) {
    if (sampleAxis === null) {
      feeds[name] = { elemType, shape, data };
      continue;
    }
    const width = data.length / samples;
    const rows = { shape: [batch, ...shape.slice(1)], data: padded(data, width, width * batch) };
    feeds[name] =
      sampleAxis === 'whole'
        ? { elemType, shape: shape.slice(1), data }
        : { elemType, ...moveAxis(rows, 0, sampleAxis) };
  }
  return feeds;
}

/** The first samples as the model takes them. */
export const sampleFeeds = (dataset: Dataset, batch: number): Feeds => {
  const part = dataset.batch(0, batch);
  return sampleInputs(part.inputs, part.samples, batch);
};

/** Fills a last, shorter batch with copies of its first sample, whose weight is 0. */
function padded<T extends TypedArray>(rows: T, width: number, length: number): T {
  if (rows.length === length) return rows;
  const full = new (rows.constructor as new (length: number) => T)(length);
  full.set(rows as never);
  for (let i = rows.length; i < full.length; i++) full[i] = rows[i % width];
  return full;
}
