import path from 'node:path';
import type { LinearOperator } from '../curvature/linearOperator';
import type { Parameter } from '../curvature/parameters';
import { type DisposableOperator, lossAndGradient, matrixOperator } from '../curvature/products';
import { CurvatureError } from '../errors';
import { cosine, type Eigenspace, principalAngles, topEigenspace } from '../estimators/eigenspace';
import { lanczos } from '../estimators/lanczos';
import type { RitzValue } from '../estimators/result';
import type { ComparedSide, HessianComparison } from '../report/comparison';
import { axpy } from '../util/vector';
import type { Model } from './model';
import { openMatrix, type OpenedMatrix } from './openMatrix';
import type { CompareOptions, MatrixHooks, MatrixOptions } from './options';
import { ProgressTracker } from './progress';
import { secondsSince } from './run';
import { TOOL } from './state';

/** Vectors that are kept at a time, at most. */
const MOST_VECTORS = 200;

interface Side extends OpenedMatrix {
  readonly operator: DisposableOperator;
  readonly space: Eigenspace;
  readonly gradient: Float64Array;
  readonly product: Float64Array;
}

/**
 * Compares the curvature of some layers, the last one by default, between two models on one set of data, one model on two, or both. The layers
 * must have equal names and sizes.
 * @throws CurvatureError
 */
export async function compareHessians(
  options: CompareOptions,
  hooks: MatrixHooks = {},
): Promise<HessianComparison> {
  const progress = new ProgressTracker(p => hooks.onProgress?.(p));
  const { models, data, count, seed, ...shared } = options;
  progress.plan([
    { stage: 'load', cost: 1 },
    { stage: 'eigenvalues', cost: 9 },
  ]);
  const started = performance.now();
  progress.begin('load', 'Reading the models');
  const sides: Side[] = [];
  try {
    for (const i of [0, 1]) {
      const side = { ...shared, seed, model: models[i] ?? models[0], data: data[i] ?? data[0] };
      sides.push(await openSide(side, count, hooks.signal));
      if (i === 0) progress.begin('eigenvalues', 'Largest eigenvalues');
      progress.step('eigenvalues', 'Largest eigenvalues', (i + 1) / 3);
    }
    const [a, b] = sides;
    requireEqual(a, b);
    const angles = principalAngles(a.space.vectors, b.space.vectors);
    const difference = await largestMagnitude(differenceOf(a.operator, b.operator), seed, hooks.signal);
    progress.step('eigenvalues', 'Done', 1);
    return {
      format: 'curvature-hessian-comparison',
      tool: TOOL,
      settings: {
        loss: a.ready.problem.loss.kind,
        matrix: options.matrix,
        ...{ count, seed, executionProvider: options.executionProvider },
      },
      parameters: namesOf(a),
      size: a.size,
      ...{ a: reportOf(a), b: reportOf(b), difference, angles },
      overlap: angles.reduce((sum, angle) => sum + Math.cos(angle) ** 2, 0) / angles.length,
      gradientCosine: cosine(a.gradient, b.gradient),
      productCosine: cosine(a.product, b.product),
      diagnostics: [...a.ready.diagnostics, ...b.ready.diagnostics],
      timings: { total: secondsSince(started) },
    };
  } finally {
    for (const { operator } of sides) await operator.dispose();
  }
}

async function openSide(options: MatrixOptions, count: number, signal?: AbortSignal): Promise<Side> {
  const opened = await openMatrix(
    options,
    size => Math.min(MOST_VECTORS, size) * 8 * size,
    (p, model) => options.layers !== undefined || isOfHead(p, model),
  );
  const { ready, parameters } = opened;
  const operator = await matrixOperator(options.matrix, ready.problem, parameters, signal);
  try {
    const space = await topEigenspace(operator, { count, seed: options.seed, signal });
    const found = await lossAndGradient(ready.problem, parameters, signal);
    const gradient = new Float64Array(opened.size);
    let at = 0;
    for (const part of found.gradient.values()) {
      gradient.set(part, at);
      at += part.length;
    }
    return { ...opened, operator, space, gradient, product: await operator.apply(gradient) };
  } catch (error) {
    await operator.dispose();
    throw error;
  }
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

async function largestMagnitude(
  operator: LinearOperator,
  seed: number,
  signal?: AbortSignal,
): Promise<RitzValue> {
  let found: RitzValue | undefined;
  for await (const { eigenvalues } of lanczos(operator, { count: 1, seed, which: 'LM', signal }))
    found = eigenvalues[0] ?? found;
  return found!;
}

const reportOf = ({ model, ready, space }: Side): ComparedSide => ({
  model: { file: path.basename(model.file), sha256: model.sha256 },
  data: ready.data,
  samples: ready.problem.dataset.samples,
  eigenvalues: space.values,
});
