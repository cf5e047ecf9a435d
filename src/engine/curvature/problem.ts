import { type LossKind, targetsName, WEIGHT_INPUT } from '../autodiff/loss';
import type { DataArray } from '../data/array';
import type { Dataset } from '../data/dataset';
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
  const batch = fixedBatch(graph) ?? Math.min(options.batch, dataset.samples);
  const shapes = new Map([...dataset.inputs].map(([name, a]) => [name, batchShape(a, batch)]));
  const prepared = await prepare(graph, shapes, parameters, sampleFeeds(dataset, batch));
  const labels = dataset.labels ?? (options.assumeLabels ? 'assumed' : undefined);
  const { outputs, loss: kind, memory, session } = options;
  const chosen = chooseLosses(prepared, parameters, outputs, batch, kind, labels);
  const targets =
    chosen.loss.isLabelled && dataset.labels ? toTargets(dataset.labels, chosen.loss) : undefined;
  return { ...chosen, dataset, targets, batch, memory, session };
}

/** The batch that the file settles, if it does. */
function fixedBatch(graph: Graph): number | undefined {
  return graph.inputs.map(i => i.shape[0]).find(first => typeof first === 'number');
}

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
  inputs: ReadonlyMap<string, DataArray>,
  samples: number,
  batch: number,
): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  for (const [name, array] of inputs) {
    const { dtype, data } = array;
    const shape = batchShape(array, batch);
    feeds[name] = { elemType: dtype, shape, data: padded(data, data.length / samples, numElements(shape)) };
  }
  return feeds;
}

const sampleFeeds = (dataset: Dataset, batch: number): Feeds => {
  const part = dataset.batch(0, batch);
  return sampleInputs(part.inputs, part.samples, batch);
};

/** An input without axes is the same for all samples. */
const batchShape = ({ shape }: DataArray, batch: number): number[] =>
  shape.length === 0 ? [] : [batch, ...shape.slice(1)];

/** Fills a last, shorter batch with copies of its first sample, whose weight is 0. */
function padded<T extends TypedArray>(rows: T, width: number, length: number): T {
  if (rows.length === length) return rows;
  const full = new (rows.constructor as new (length: number) => T)(length);
  full.set(rows as never);
  for (let i = rows.length; i < full.length; i++) full[i] = rows[i % width];
  return full;
}
