import path from 'node:path';
import type { LinearOperator } from '../curvature/linearOperator';
import type { Parameter } from '../curvature/parameters';
import { type DisposableOperator, lossAndGradient, matrixOperator } from '../curvature/products';
import { CurvatureError } from '../errors';
import { cosine, principalAngles, topEigenspace } from '../estimators/eigenspace';
import { lanczos } from '../estimators/lanczos';
import type { RitzValue } from '../estimators/result';
import type { ComparedSide, ComparisonSoFar, HessianComparison } from '../report/comparison';
import { axpy, type Vector } from '../util/vector';
import { matrixFingerprint, type ProbeJournal } from './journal';
import type { Model } from './model';
import { openMatrix, type OpenedMatrix } from './openMatrix';
import type { MatrixHooks } from './hooks';
import type { CompareOptions } from './matrixOptions';
import { inParts } from './partials';
import { ProgressTracker } from './progress';
import { secondsSince } from './run';
import { TOOL } from './state';

/** Vectors that are kept at a time, at most. */
const MOST_VECTORS = 200;

/** One side: a model on its data, and what is found of it so far. */
interface Side extends OpenedMatrix {
  readonly found: { values: readonly RitzValue[]; vectors?: SideVectors };
}

interface SideVectors {
  /** Of the largest eigenvalues. */
  readonly space: readonly Vector[];
  readonly gradient: Float64Array;
  /** The matrix times the gradient. */
  readonly product: Vector;
}

/**
 * Compares the curvature of some layers, the last one by default, between two models on one set of data, one model on two, or both. The layers
 * must have equal names and sizes.
 *
 * When it is cancelled or fails, what was found goes to `onPartial` before the error is thrown.
 * @throws CurvatureError
 */
export async function compareHessians(
  options: CompareOptions,
  hooks: MatrixHooks<ComparisonSoFar> = {},
): Promise<HessianComparison> {
  const progress = new ProgressTracker(p => hooks.onProgress?.(p));
  progress.plan([
    { stage: 'load', cost: 1 },
    { stage: 'eigenvalues', cost: 9 },
  ]);
  const started = performance.now();
  progress.begin('load', 'Reading the models');
  const { journal } = hooks;
  const [a, b] = [await openSide(options, 0, journal), await openSide(options, 1, journal)];
  requireEqual(a, b);
  const { matrix, count, seed } = options;
  const [ofA, ofB] = [a, b].map(side => matrixFingerprint('compare', side, { ...options, ...side.options }));
  const other = Object.entries(ofB).map(([key, value]) => [`${key} of B`, value] as const);
  journal?.begin({ ...ofA, ...Object.fromEntries(other), count });
  progress.begin('eigenvalues', 'Largest eigenvalues');
  let difference: RitzValue | undefined;
  const soFar = (complete: boolean): ComparisonSoFar => ({
    format: 'curvature-hessian-comparison',
    complete,
    tool: TOOL,
    settings: {
      loss: a.ready.problem.loss.kind,
      ...{ matrix, count, seed, executionProvider: options.executionProvider },
    },
    parameters: namesOf(a),
    size: a.size,
    ...{ a: reportOf(a), b: reportOf(b) },
    ...(difference ? { difference } : {}),
    ...between(a, b),
    diagnostics: [...a.ready.diagnostics, ...b.ready.diagnostics],
    timings: { total: secondsSince(started) },
  });
  await inParts(
    hooks.onPartial,
    () => (a.found.values.length > 0 ? soFar(false) : undefined),
    foundMore =>
      measure([a, b], options, hooks, (share, found) => {
        difference = found;
        progress.step('eigenvalues', 'Largest eigenvalues', share);
        foundMore();
      }),
  );
  // With both sides and the difference known, nothing is absent.
  return soFar(true) as HessianComparison;
}

async function openSide(options: CompareOptions, i: 0 | 1, journal: ProbeJournal | undefined) {
  const { models, data, ...shared } = options;
  const settled = journal?.settled?.[i === 0 ? 'batch' : 'batch of B'];
  const batch = options.batch ?? (settled === undefined ? undefined : Number(settled));
  const own = { ...shared, batch, model: models[i] ?? models[0], data: data[i] ?? data[0] };
  const opened = await openMatrix(
    own,
    size => Math.min(MOST_VECTORS, size) * 8 * size,
    (p, model) => options.layers !== undefined || isOfHead(p, model),
  );
  return { ...opened, options: own, found: { values: [] } as Side['found'] };
}

/** @param onStep is told of each product: the share that is done, and what is known of the difference */
async function measure(
  sides: readonly [Side, Side],
  { matrix, count, seed }: CompareOptions,
  { journal, signal }: Pick<MatrixHooks<never>, 'journal' | 'signal'>,
  onStep: (share: number, difference?: RitzValue) => void,
): Promise<void> {
  const through = (name: string, operator: LinearOperator): LinearOperator =>
    journal?.through(name, operator) ?? operator;
  const operators: DisposableOperator[] = [];
  try {
    for (const [i, { ready, parameters, size, found }] of sides.entries()) {
      const operator = await matrixOperator(matrix, ready.problem, parameters, signal);
      operators.push(operator);
      const products = through(`side ${'AB'[i]}`, operator);
      const onValues = (values: readonly RitzValue[]): void => {
        found.values = values;
        onStep(i / 3);
      };
      const { vectors: space } = await topEigenspace(products, { count, seed, onStep: onValues, signal });
      const gradient = new Float64Array(size);
      let at = 0;
      for (const part of (await lossAndGradient(ready.problem, parameters, signal)).gradient.values()) {
        gradient.set(part, at);
        at += part.length;
      }
      found.vectors = { space, gradient, product: await products.apply(gradient) };
      onStep((i + 1) / 3);
    }
    const difference = through('difference', differenceOf(operators[0], operators[1]));
    for await (const step of lanczos(difference, { count: 1, seed, which: 'LM', signal }))
      onStep(2 / 3 + step.steps / step.maxSteps / 3, step.eigenvalues[0]);
  } finally {
    for (const operator of operators) await operator.dispose();
  }
}

/** What the vectors of both sides say; nothing until there are any. */
function between({ found: { vectors: a } }: Side, { found: { vectors: b } }: Side) {
  if (!a || !b) return {};
  const angles = principalAngles(a.space, b.space);
  return {
    angles,
    overlap: angles.reduce((sum, angle) => sum + Math.cos(angle) ** 2, 0) / angles.length,
    gradientCosine: cosine(a.gradient, b.gradient),
    productCosine: cosine(a.product, b.product),
  };
}

/** The weight of the last layer, and what its node adds. */
function isOfHead({ name }: Parameter, { layers, graph }: Model): boolean {
  const last = layers[layers.length - 1];
  const node = graph.nodes.find(n => n.name === last.nodes[0]);
  return name === last.initializer || (node?.inputs.includes(name) ?? false);
}

const namesOf = ({ model, parameters }: OpenedMatrix): string[] => {
  const shown = new Map(model.layers.map(l => [l.initializer, l.name]));
  return parameters.map(({ name }) => shown.get(name) ?? name);
};

function requireEqual(a: Side, b: Side): void {
  const [ofA, ofB] = [a, b].map(side =>
    namesOf(side)
      .map((name, i) => `${name} [${side.parameters[i].shape.join(', ')}]`)
      .join(', '),
  );
  if (ofA === ofB) return;
  throw new CurvatureError(
    'option-invalid',
    `The models differ in what is compared: ${ofA} and ${ofB}.`,
    'Choose layers with --layer that both models have.',
  );
}

const differenceOf = (a: LinearOperator, b: LinearOperator): LinearOperator => ({
  size: a.size,
  async apply(v) {
    const product = await b.apply(v);
    axpy(-1, await a.apply(v), product);
    return product;
  },
});

const reportOf = ({ model, ready, found }: Side): ComparedSide => ({
  model: { file: path.basename(model.file), sha256: model.sha256 },
  data: ready.data,
  samples: ready.problem.dataset.samples,
  eigenvalues: found.values,
});
