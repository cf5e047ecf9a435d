import type { LossKind } from '../autodiff/loss';
import { type Activation, type ActivationProduct, findActivations } from '../curvature/activations';
import { type Copy, findCopies } from '../curvature/copies';
import type { InputArray } from '../data/array';
import { axesOf, boundInputs, fixedBatch, makeProblem, type Problem } from '../curvature/problem';
import type { Dataset } from '../data/dataset';
import { hasOpenLengths } from '../data/roles';
import { sampleAxesOf } from '../data/wholeSample';
import { CurvatureError, type ErrorCode } from '../errors';
import type { Graph } from '../graph/graph';
import type { Diagnostic, Report } from '../report/schema';
import type { Device } from '../runtime/device';
import { cpuSession } from '../runtime/session';
import { blockedDiagnostics } from './blockedLayout';
import { trainingDiagnostics } from './trainingForm';
import { chooseDevice } from './chooseDevice';
import { memoryBudget } from './memoryBudget';
import { howToMeasure, type Measurable } from './methods';
import type { Model } from './model';
import { type DataOptions, openData, type OpenedData } from './openData';
import { runnablePart, type Unrunnable, unknownOperatorOf } from './runnable';
import { requireSurvival } from './survival';
import { type OutputShapes, Trial } from './trial';

/** More samples in a run gain no speed. */
export const LARGEST_BATCH = 64;

export interface SetUpOptions extends DataOptions {
  readonly loss: LossKind | 'auto';
  /** The outputs to measure; by default all of floats that depend on parameters. */
  readonly outputs?: readonly string[];
  /** At most; `LARGEST_BATCH` by default. */
  readonly batch?: number;
  readonly memory?: string;
  readonly assumeLabels?: boolean;
  /** A name of ONNX Runtime's, or `auto`. */
  readonly executionProvider: string;
}

/** A model with its data, ready to be differentiated, and what is known of each layer before anything ran. */
export interface SetUp extends Measurable {
  readonly problem: Problem;
  readonly data: Report['data'];
  readonly activations: readonly Activation[];
  readonly products: readonly ActivationProduct[];
}

export async function setUp(model: Model, options: SetUpOptions): Promise<SetUp> {
  requireOutputs(model.graph, options.outputs);
  const { dataset, data, diagnostics, whyAlone, pairShapes } = await tried(model.graph, options);
  const device = await chooseDevice(options.executionProvider);
  const found = await firstRunnable(model, dataset, device, {
    ...options,
    batch: whyAlone === undefined ? options.batch : 1,
    pairShapes,
  });
  const { problem, unrunnable, isCut } = found;
  return {
    problem,
    data,
    ...findActivations(model.graph, model.layers, problem.prepared),
    ...howToMeasure(model, problem, unrunnable, [
      ...diagnostics,
      ...aloneDiagnostics(whyAlone ?? found.whyAlone),
      ...wholeDiagnostics(dataset, data),
      ...blockedDiagnostics(model.graph),
      ...trainingDiagnostics(model.training),
      ...boundInputs(dataset).map(boundDiagnostic),
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

interface Tried extends OpenedData {
  /** Why the model can't take two samples at once where its file says that it can. */
  readonly whyAlone?: string;
  /** What its outputs are like for two samples. */
  readonly pairShapes?: OutputShapes;
}

/** Data that the model runs on, and how it takes two samples at once where its file says that it can. */
async function tried(graph: Graph, options: SetUpOptions): Promise<Tried> {
  const isOpen =
    fixedBatch(graph, sampleAxesOf(graph)) === undefined && options.batch !== 1 && options.samples !== 1;
  const findsLengths = options.data === undefined && hasOpenLengths(graph);
  const trial = isOpen || findsLengths ? await Trial.of(graph) : undefined;
  try {
    const opened = await openData(graph, trial, options);
    await requireSurvival(graph, opened.dataset);
    if (!trial || !isOpen || opened.dataset.samples === 1) return opened;
    const pair = await trial.run(opened.dataset, 2);
    if (typeof pair !== 'string') return { ...opened, pairShapes: pair };
    const isAlone = typeof (await trial.run(opened.dataset, 1)) !== 'string';
    return isAlone ? { ...opened, whyAlone: pair } : opened;
  } finally {
    await trial?.dispose();
  }
}

const aloneDiagnostics = (why: string | undefined): Diagnostic[] =>
  why === undefined
    ? []
    : [
        {
          severity: 'warning',
          code: 'one-sample-at-once',
          message: `The model leaves the number of samples open, but can't run several at once, so that each runs alone, which takes longer: ${why}`,
        },
      ];

function wholeDiagnostics(dataset: Dataset, { source }: Report['data']): Diagnostic[] {
  if (![...axesOf(dataset).values()].includes('whole')) return [];
  const lone =
    'One sample tells nothing of what others would change: errors are those of the draws on it alone.';
  const noise = source === 'file' && dataset.samples === 1 ? ` ${lone}` : '';
  return [
    {
      severity: 'warning',
      code: 'whole-sample',
      message:
        'The rows of the inputs are no samples, since the model mixes them: all inputs together are one sample, as the nodes and edges of a graph ' +
        `are, and the loss is the mean over all rows of the output. Each sample runs alone.${noise}`,
    },
  ];
}

const boundDiagnostic = ({ name, shape, data }: InputArray): Diagnostic => ({
  severity: 'info',
  code: 'input-bound',
  message: `Input "${name}" is the same for all samples: ${data.length === 1 ? String(data[0]) : `its ${shape.join(' × ')} numbers`} is built into the graphs.`,
});

/** The problem over the whole model, or over what is left of it without the operators that ONNX Runtime does not know. */
async function firstRunnable(
  model: Model,
  dataset: Dataset,
  device: Device,
  options: SetUpOptions & Pick<Tried, 'pairShapes'>,
): Promise<{ problem: Problem; whyAlone?: string; unrunnable: readonly Unrunnable[]; isCut: boolean }> {
  const parameters = new Set(model.parameters.map(p => p.name));
  const unrunnable: Unrunnable[] = [];
  let part: { graph: Graph; isCut: boolean } = { graph: model.graph, isCut: false };
  for (;;) {
    try {
      const { graph, isCut } = part;
      const named = options.outputs?.filter(o => graph.outputs.includes(o)) ?? [];
      // Labels belong to the model's own output, not to a value inside it.
      const data = isCut ? withoutLabels(dataset) : dataset;
      const found = await orAlone(options.batch ?? LARGEST_BATCH, batch =>
        makeProblem(graph, parameters, data, {
          outputs: isCut ? graph.outputs.slice(0, 1) : named.length > 0 ? named : undefined,
          loss: isCut ? 'mse' : options.loss,
          batch,
          pairShapes: options.pairShapes,
          memory: memoryBudget(options.memory),
          assumeLabels: options.assumeLabels && !isCut,
          session: { ...cpuSession, device },
        }),
      );
      return { ...found, unrunnable, isCut };
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

const ofModel: readonly ErrorCode[] = ['model-invalid', 'model-unsupported', 'runtime-failed'];

/** A problem for so many samples to a run, or for single ones where the model's shapes allow no more. */
async function orAlone(
  batch: number,
  make: (batch: number) => Promise<Problem>,
): Promise<{ problem: Problem; whyAlone?: string }> {
  try {
    return { problem: await make(batch) };
  } catch (error) {
    if (batch === 1 || !(error instanceof CurvatureError && ofModel.includes(error.code))) throw error;
    const problem = await make(1).catch(() => {
      throw error;
    });
    return { problem, whyAlone: error.message };
  }
}

const withoutLabels = (dataset: Dataset): Dataset => ({ ...dataset, labels: undefined });
