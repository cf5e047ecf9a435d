import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { LossKind } from '../autodiff/loss';
import { type Copy, findCopies } from '../curvature/copies';
import { makeProblem, type Problem } from '../curvature/problem';
import { type Dataset, openDataset } from '../data/dataset';
import { fillOf, sampleShapes } from '../data/roles';
import { syntheticDataset } from '../data/synthetic';
import { CurvatureError } from '../errors';
import type { Graph } from '../graph/graph';
import type { Diagnostic, Report } from '../report/schema';
import type { Device } from '../runtime/device';
import { cpuSession } from '../runtime/session';
import { chooseDevice } from './chooseDevice';
import { memoryBudget } from './memoryBudget';
import { howToMeasure, type Measurable } from './methods';
import { type Model, sha256 } from './model';
import { runnablePart, type Unrunnable, unknownOperatorOf } from './runnable';

/** More samples in a run gain no speed. */
export const LARGEST_BATCH = 64;
/** Samples drawn where there are no data. */
const SYNTHETIC_SAMPLES = 64;

export interface SetUpOptions {
  readonly data?: string;
  readonly labels?: string;
  readonly loss: LossKind | 'auto';
  /** The outputs to measure; by default all of floats that depend on parameters. */
  readonly outputs?: readonly string[];
  readonly samples?: number;
  /** At most; `LARGEST_BATCH` by default. */
  readonly batch?: number;
  readonly memory?: string;
  readonly assumeLabels?: boolean;
  readonly seed: number;
  /** A name of ONNX Runtime's, or `auto`. */
  readonly executionProvider: string;
}

/** A model with its data, ready to be differentiated, and what is known of each layer before anything ran. */
export interface SetUp extends Measurable {
  readonly problem: Problem;
  readonly data: Report['data'];
}

export async function setUp(model: Model, options: SetUpOptions): Promise<SetUp> {
  requireOutputs(model.graph, options.outputs);
  const { dataset, data, diagnostics } = openData(model.graph, options);
  const device = await chooseDevice(options.executionProvider);
  const { problem, unrunnable, isCut } = await firstRunnable(model, dataset, device, options);
  return {
    problem,
    data,
    ...howToMeasure(model, problem, unrunnable, [
      ...diagnostics,
      ...unrunnable.map(u => unrunnableDiagnostic(u, isCut, problem.outputs.join(', '))),
      ...problem.notes.map(message => ({ severity: 'info' as const, code: 'loss-choice', message })),
      ...findCopies(model.layers, model.graph.initializers).map(copyDiagnostic),
    ]),
  };
}

/** @throws CurvatureError `option-invalid` for a name that is no output of the model. */
function requireOutputs({ outputs }: Graph, named: readonly string[] | undefined): void {
  const unknown = named?.find(name => !outputs.includes(name));
  if (unknown === undefined) return;
  throw new CurvatureError(
    'option-invalid',
    `The model has no output "${unknown}".`,
    `It has: ${outputs.join(', ')}.`,
  );
}

const copyDiagnostic = ({ original, copy, isTransposed }: Copy): Diagnostic => ({
  severity: 'info',
  code: 'tied-weights',
  layer: copy.name,
  message:
    `${copy.name} holds the values of ${original.name}${isTransposed ? ', transposed' : ''}. Each is measured as a layer of its own; ` +
    'if they are one tied weight that the export wrote twice, quantize both alike. Its trace would also hold what the two share.',
});

function unrunnableDiagnostic({ opType, nodes }: Unrunnable, isCut: boolean, output: string): Diagnostic {
  const rest = isCut
    ? `Layers before it are measured by how much they change its input "${output}".`
    : `Outputs that need it are left out; "${output}" is measured.`;
  return {
    severity: 'error',
    code: 'unknown-operator',
    node: nodes[0],
    message: `Operator ${opType} (node "${nodes[0]}") is unknown to ONNX Runtime. ${rest}`,
  };
}

/** The problem over the whole model, or over what is left of it without the operators that ONNX Runtime does not know. */
async function firstRunnable(
  model: Model,
  dataset: Dataset,
  device: Device,
  options: SetUpOptions,
): Promise<{ problem: Problem; unrunnable: readonly Unrunnable[]; isCut: boolean }> {
  const parameters = new Set(model.parameters.map(p => p.name));
  const unrunnable: Unrunnable[] = [];
  let part: { graph: Graph; isCut: boolean } = { graph: model.graph, isCut: false };
  for (;;) {
    try {
      const { graph, isCut } = part;
      const named = options.outputs?.filter(o => graph.outputs.includes(o)) ?? [];
      // Labels belong to the model's own output, not to a value inside it.
      const data = isCut ? withoutLabels(dataset) : dataset;
      const problem = await makeProblem(graph, parameters, data, {
        outputs: isCut ? graph.outputs.slice(0, 1) : named.length > 0 ? named : undefined,
        loss: isCut ? 'mse' : options.loss,
        batch: options.batch ?? LARGEST_BATCH,
        memory: memoryBudget(options.memory),
        assumeLabels: options.assumeLabels && !isCut,
        session: { ...cpuSession, device },
      });
      return { problem, unrunnable, isCut };
    } catch (error) {
      const unknown = unknownOperatorOf(error, part.graph);
      if (!unknown) throw error;
      unrunnable.push(unknown);
      const rest = runnablePart(model.graph, unrunnable);
      if (!rest) {
        throw new CurvatureError(
          'model-unsupported',
          `Operator ${unknown.opType} (node "${unknown.nodes[0]}") is unknown to ONNX Runtime, and no layer runs without it.`,
          'Replace the operator by standard ones when exporting.',
        );
      }
      part = rest;
    }
  }
}

const withoutLabels = (dataset: Dataset): Dataset => ({ ...dataset, labels: undefined });

function openData(
  graph: Graph,
  options: SetUpOptions,
): { dataset: Dataset; data: Report['data']; diagnostics: Diagnostic[] } {
  if (options.data === undefined) {
    const shapes = sampleShapes(graph);
    const inputs = graph.inputs.map(i => ({ ...i, shape: shapes.get(i.name)!, fill: fillOf(i, graph) }));
    const dataset = syntheticDataset(inputs, options.samples ?? SYNTHETIC_SAMPLES, options.seed);
    const note: Diagnostic = {
      severity: 'warning',
      code: 'synthetic-data',
      message:
        'No data were given: random inputs were used. Sensitivities on your own data can differ; add an .npz beside the model.',
    };
    return { dataset, data: { source: 'synthetic', arrays: arraysOf(dataset) }, diagnostics: [note] };
  }
  const bytes = readData(options.data);
  const file = path.basename(options.data);
  const dataset = openDataset(bytes, file, {
    inputs: graph.inputs,
    labels: options.labels,
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

function readData(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new CurvatureError('data-unreadable', `${file} can't be read: ${(error as Error).message}`);
  }
}

const arraysOf = (dataset: Dataset): Report['data']['arrays'] =>
  [...dataset.inputs.values(), ...(dataset.labels ? [dataset.labels] : [])].map(a => ({
    name: a.name,
    elemType: a.dtype,
    shape: [...a.shape],
  }));
