import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Shortfall, shortfalls } from '../autodiff/order';
import { type Obstacle, obstacles } from '../autodiff/reach';
import type { LossKind } from '../autodiff/loss';
import type { Layer } from '../curvature/layers';
import type { Parameter } from '../curvature/parameters';
import { makeProblem, type Problem } from '../curvature/problem';
import { type Dataset, openDataset } from '../data/dataset';
import { syntheticDataset } from '../data/synthetic';
import { CurvatureError } from '../errors';
import type { Graph } from '../graph/graph';
import { ancestors } from '../graph/topology';
import type { Diagnostic, Method, Report } from '../report/schema';
import { cpuSession } from '../runtime/session';
import { type Model, sha256 } from './model';
import { originOf } from './origin';
import { runnablePart, type Unrunnable, unknownOperatorOf } from './runnable';

/** Samples drawn where there are no data. */
const SYNTHETIC_SAMPLES = 64;
/**
 * Lengths taken for dimensions that the model leaves open, other than the batch: of images, which networks halve up to five
 * times, and of sequences.
 */
const OPEN_SIDE = 64;
const OPEN_LENGTH = 16;

export interface SetUpOptions {
  readonly data?: string;
  readonly labels?: string;
  readonly loss: LossKind | 'auto';
  readonly samples?: number;
  readonly batch?: number;
  readonly assumeLabels?: boolean;
  readonly seed: number;
  readonly executionProvider: string;
}

/** A model with its data, ready to be differentiated, and what is known of each layer before anything ran. */
export interface SetUp {
  readonly problem: Problem;
  /** How each layer that the loss depends on can be measured, by initializer. */
  readonly methods: ReadonlyMap<string, Method>;
  /** Layers with derivatives of both orders. */
  readonly reached: readonly Layer[];
  /** Parameters of the same kind. */
  readonly parameters: readonly Parameter[];
  /** Parameters that the loss depends on and that are not of that kind. */
  readonly withoutDerivatives: readonly Parameter[];
  /** Why a layer is not reached, or not by exact derivatives, by initializer. */
  readonly reasons: ReadonlyMap<string, string>;
  /** Nodes whose rules don't give both derivatives. */
  readonly shortfalls: ReadonlyMap<string, Shortfall>;
  /** Nodes that ONNX Runtime has no implementation of. */
  readonly unrunnable: ReadonlySet<string>;
  readonly data: Report['data'];
  readonly diagnostics: readonly Diagnostic[];
}

export async function setUp(model: Model, options: SetUpOptions): Promise<SetUp> {
  const { dataset, data, diagnostics } = openData(model.graph, options);
  const { problem, unrunnable, isCut } = await firstRunnable(model, dataset, options);
  const { graph, types } = problem.prepared;
  const present = ancestors(graph.nodes, [problem.loss.logits]);
  const sources = new Set(model.parameters.map(p => p.name).filter(name => present.has(name)));
  const lacking = shortfalls(graph, types, sources);
  const ofFile = new Set(model.graph.nodes.map(n => n.name));
  const blocked = new Map(
    [...obstacles(graph.nodes, problem.loss.logits, lacking)].map(([name, obstacle]) => [
      name,
      { ...obstacle, node: originOf(obstacle.node, ofFile) },
    ]),
  );
  const methodOf = (name: string): Method | undefined =>
    present.has(name) ? methods[blocked.get(name)?.order ?? 2] : undefined;
  const [lost] = unrunnable;
  const whyAbsent = lost
    ? `Its result can't be computed: node "${lost.nodes[0]}" (${lost.opType}) is unknown to ONNX Runtime.`
    : 'The loss does not depend on this layer.';
  const reasonOf = (name: string): string | undefined =>
    present.has(name) ? obstacleText(blocked.get(name)) : whyAbsent;
  const met = new Map([...blocked].filter(([name]) => sources.has(name)).map(([, o]) => [o.node, o]));
  return {
    problem,
    methods: byName(
      model.layers.map(l => l.initializer),
      methodOf,
    ),
    reached: model.layers.filter(l => methodOf(l.initializer) === 'exact'),
    parameters: model.parameters.filter(p => methodOf(p.name) === 'exact'),
    withoutDerivatives: model.parameters.filter(p => present.has(p.name) && methodOf(p.name) !== 'exact'),
    reasons: byName(
      model.layers.map(l => l.initializer),
      reasonOf,
    ),
    shortfalls: lacking,
    unrunnable: new Set(unrunnable.flatMap(u => u.nodes)),
    data,
    diagnostics: [
      ...diagnostics,
      ...unrunnable.map(u => unrunnableDiagnostic(u, isCut, problem.loss.logits)),
      ...[...met.values()].map(obstacleDiagnostic),
    ],
  };
}

/** What can be done with derivatives of order 0, 1 and 2. */
const methods = ['differences', 'ggn', 'exact'] as const;

const byName = <T>(names: readonly string[], valueOf: (name: string) => T | undefined): Map<string, T> =>
  new Map(
    names.flatMap(name => {
      const value = valueOf(name);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );

const obstacleText = (obstacle: Obstacle | undefined): string | undefined =>
  obstacle &&
  `Node "${obstacle.node}" (${obstacle.opType}), on its way to the loss, has no ${obstacle.order === 0 ? '' : 'second '}derivative${obstacle.why ? `: ${obstacle.why}` : ' rule'}.`;

const obstacleDiagnostic = ({ node, opType, order, why }: Obstacle): Diagnostic =>
  order === 0
    ? {
        severity: 'warning',
        code: 'no-derivative',
        node,
        message: `Operator ${opType} of node "${node}" has no derivative rule${why ? ` that works here (${why})` : ''}; layers before it are measured by differences.`,
      }
    : {
        severity: 'info',
        code: 'first-derivative-only',
        node,
        message: `Operator ${opType} of node "${node}" has no second derivative (${why}); layers before it are measured by the GGN.`,
      };

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
  options: SetUpOptions,
): Promise<{ problem: Problem; unrunnable: readonly Unrunnable[]; isCut: boolean }> {
  const parameters = new Set(model.parameters.map(p => p.name));
  const unrunnable: Unrunnable[] = [];
  let part: { graph: Graph; isCut: boolean } = { graph: model.graph, isCut: false };
  for (;;) {
    try {
      const { graph, isCut } = part;
      // Labels belong to the model's own output, not to a value inside it.
      const data = isCut ? withoutLabels(dataset) : dataset;
      const problem = await makeProblem(graph, parameters, data, {
        output: graph.outputs[0],
        loss: isCut ? 'mse' : options.loss,
        batch: options.batch,
        assumeLabels: options.assumeLabels && !isCut,
        session: { ...cpuSession, executionProvider: options.executionProvider },
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
    const inputs = graph.inputs.map(i => ({
      ...i,
      shape: i.shape.map((d, axis) =>
        typeof d === 'number' ? d : axis === 0 ? 1 : i.shape.length >= 4 ? OPEN_SIDE : OPEN_LENGTH,
      ),
    }));
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
