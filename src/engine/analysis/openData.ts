import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type DataArray, modelShape } from '../data/array';
import { type Dataset, openDataset } from '../data/dataset';
import { fillOf, hasOpenLengths, type OpenLengths, openLengths, sampleShapes } from '../data/roles';
import { syntheticDataset } from '../data/synthetic';
import { sampleAxesOf } from '../data/wholeSample';
import { CurvatureError } from '../errors';
import type { Graph } from '../graph/graph';
import type { Diagnostic, Report } from '../report/schema';
import { systemReason } from '../util/systemReason';
import { sha256 } from './model';
import type { Trial } from './trial';

/** Samples drawn where there are no data. */
const SYNTHETIC_SAMPLES = 64;

export interface DataOptions {
  readonly data?: string;
  readonly labels?: string;
  readonly skip?: number;
  readonly samples?: number;
  readonly seed: number;
}

/** Data from a file or made up, with what the report tells of them. */
export interface OpenedData {
  readonly dataset: Dataset;
  readonly data: Report['data'];
  readonly diagnostics: readonly Diagnostic[];
}

/** @param trial of the model, where made-up data have lengths to be found out */
export async function openData(
  graph: Graph,
  trial: Trial | undefined,
  options: DataOptions,
): Promise<OpenedData> {
  if (options.data === undefined) {
    const dataset = await runnableData(graph, trial, options);
    const note: Diagnostic = {
      severity: 'warning',
      code: 'synthetic-data',
      message:
        'No data were given: random inputs were used. Sensitivities on your own data can differ; give an .npz (--data in a terminal; in the editor, MODEL.npz beside the model or Choose Data).',
    };
    return { dataset, data: { source: 'synthetic', arrays: arraysOf(dataset) }, diagnostics: [note] };
  }
  const bytes = readData(options.data);
  const file = path.basename(options.data);
  const dataset = openDataset(bytes, file, {
    inputs: graph.inputs,
    axes: sampleAxesOf(graph),
    labels: options.labels,
    skip: options.skip,
    samples: options.samples,
  });
  const data = {
    source: 'file' as const,
    file,
    sha256: sha256(bytes),
    arrays: arraysOf(dataset),
    labels: dataset.labels?.name,
  };
  return {
    dataset,
    data,
    diagnostics: dataset.notes.map((message): Diagnostic => ({
      severity: 'info',
      code: 'data-note',
      message,
    })),
  };
}

/** Made-up data of the first open lengths that the model runs on; of the usual ones where it runs on none. */
async function runnableData(
  graph: Graph,
  trial: Trial | undefined,
  { samples = SYNTHETIC_SAMPLES, seed }: DataOptions,
): Promise<Dataset> {
  const usual = madeUp(graph, openLengths[0], samples, seed);
  if (!trial || !hasOpenLengths(graph)) return usual;
  for (const open of openLengths) {
    const dataset = open === openLengths[0] ? usual : madeUp(graph, open, samples, seed);
    if (typeof (await trial.run(dataset, 1)) !== 'string') return dataset;
  }
  return usual;
}

function madeUp(graph: Graph, open: OpenLengths, samples: number, seed: number): Dataset {
  const shapes = sampleShapes(graph, open);
  const axes = sampleAxesOf(graph);
  const inputs = graph.inputs.map(i => ({
    ...i,
    shape: shapes.get(i.name)!,
    sampleAxis: axes.get(i.name) ?? null,
    fill: fillOf(i, graph, shapes),
  }));
  return syntheticDataset(inputs, samples, seed);
}

function readData(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new CurvatureError('data-unreadable', `'${file}' can't be read: ${systemReason(error)}.`);
  }
}

const arraysOf = ({ inputs, labels }: Dataset): Report['data']['arrays'] => [
  ...[...inputs.values()].map(a => describe(a, modelShape(a))),
  ...(labels ? [describe(labels, labels.shape)] : []),
];

const describe = (
  { name, dtype }: DataArray,
  shape: readonly number[],
): Report['data']['arrays'][number] => ({
  name,
  elemType: dtype,
  shape: [...shape],
});
