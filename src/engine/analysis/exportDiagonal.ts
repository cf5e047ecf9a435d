import { writeFileSync } from 'node:fs';
import type { Parameter } from '../curvature/parameters';
import { matrixOperator } from '../curvature/products';
import { type NamedArray, writeNpz } from '../data/writeNpz';
import { CurvatureError } from '../errors';
import { type Diagonal, diagonalError, hutchinsonDiagonal } from '../estimators/diagonal';
import type { Diagnostic } from '../report/schema';
import { openMatrix } from './openMatrix';
import type { ExportDiagonalOptions, MatrixHooks } from './options';
import { ProgressTracker } from './progress';

/** One parameter's part of a diagonal that was written. */
export interface DiagonalPart {
  readonly name: string;
  readonly shape: readonly number[];
  readonly mean: number;
  readonly least: number;
  readonly most: number;
  /** ‖stderr‖/‖diagonal‖ of this parameter; Infinity where noise hides it. */
  readonly relativeError: number;
}

export interface ExportedDiagonal {
  readonly parts: readonly DiagonalPart[];
  readonly probes: number;
  readonly converged: boolean;
  readonly samples: number;
  readonly diagnostics: readonly Diagnostic[];
}

/** Vectors that are held: probe, product, mean, squares, and what is yielded. */
const VECTORS = 7;

/**
 * Writes the diagonal of a curvature matrix as an .npz: for each parameter an array of its name and shape, and `NAME/stderr`. Averaged, all
 * elements of a convolution's kernel hold their mean, as in AdaHessian.
 * @throws CurvatureError
 */
export async function exportDiagonal(
  options: ExportDiagonalOptions,
  hooks: MatrixHooks = {},
): Promise<ExportedDiagonal> {
  const progress = new ProgressTracker(p => hooks.onProgress?.(p));
  progress.plan([
    { stage: 'load', cost: 1 },
    { stage: 'diagonal', cost: 10 },
  ]);
  progress.begin('load', 'Reading the model');
  const { parameters, ready } = await openMatrix(options, size => VECTORS * 8 * size);
  const { seed, rtol, maxProbes } = options;
  const blocks = parameters.flatMap(p => blocksOf(p, options.average));
  const operator = await matrixOperator(options.matrix, ready.problem, parameters, hooks.signal);
  progress.begin('diagonal', 'Diagonal');
  let found: Diagonal | undefined;
  try {
    const search = hutchinsonDiagonal(operator, { seed, rtol, maxProbes, blocks, signal: hooks.signal });
    for await (found of search)
      progress.step(
        'diagonal',
        `Diagonal: probe ${found.samples} of at most ${maxProbes}`,
        found.samples / maxProbes,
      );
  } finally {
    await operator.dispose();
  }
  const { estimate, stderr, samples: probes, converged } = found!;
  const arrays: NamedArray[] = [];
  const parts: DiagonalPart[] = [];
  let block = 0;
  for (const parameter of parameters) {
    const lengths = blocksOf(parameter, options.average);
    const own = estimate.subarray(block, block + lengths.length);
    const errors = stderr.subarray(block, block + lengths.length);
    block += lengths.length;
    const { name, shape, size } = parameter;
    arrays.push({ name, shape, data: spread(own, lengths, size) });
    arrays.push({ name: `${name}/stderr`, shape, data: spread(errors, lengths, size) });
    parts.push({ name, shape, ...summaryOf(own, errors, lengths, size) });
  }
  write(options.output, writeNpz(arrays));
  return { parts, probes, converged, samples: ready.problem.dataset.samples, diagnostics: ready.diagnostics };
}

/** Lengths of the runs of elements that share a mean: kernels of convolutions, which are the axes behind the first two. */
function blocksOf({ shape, size }: Parameter, average: boolean): number[] {
  const kernel = average ? shape.slice(2).reduce((product, d) => product * d, 1) : 1;
  return Array.from({ length: size / kernel }, () => kernel);
}

/** Each block's number in all of its elements. */
function spread(values: Float64Array, lengths: readonly number[], size: number): Float32Array {
  const data = new Float32Array(size);
  let at = 0;
  values.forEach((value, b) => data.fill(value, at, (at += lengths[b])));
  return data;
}

function summaryOf(
  values: Float64Array,
  errors: Float64Array,
  lengths: readonly number[],
  size: number,
): Omit<DiagonalPart, 'name' | 'shape'> {
  let [sum, squares, squaredErrors, least, most] = [0, 0, 0, Infinity, -Infinity];
  values.forEach((value, b) => {
    sum += lengths[b] * value;
    squares += lengths[b] * value ** 2;
    squaredErrors += lengths[b] * errors[b] ** 2;
    least = Math.min(least, value);
    most = Math.max(most, value);
  });
  const relativeError = diagonalError(Math.sqrt(squaredErrors), Math.sqrt(squares));
  return { mean: sum / size, least, most, relativeError };
}

function write(file: string, bytes: Uint8Array): void {
  try {
    writeFileSync(file, bytes);
  } catch (error) {
    throw new CurvatureError(
      'runtime-failed',
      `'${file}' could not be written: ${(error as Error).message}.`,
    );
  }
}
