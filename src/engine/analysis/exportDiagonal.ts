import { writeFileSync } from 'node:fs';
import type { Parameter } from '../curvature/parameters';
import { matrixOperator } from '../curvature/products';
import { type NamedArray, writeNpz } from '../data/writeNpz';
import { CurvatureError } from '../errors';
import { type Diagonal, diagonalError, hutchinsonDiagonal } from '../estimators/diagonal';
import type { Diagnostic } from '../report/schema';
import { replaceFile } from '../util/replaceFile';
import { TimeBudget } from '../util/timeBudget';
import { matrixFingerprint } from './journal';
import { note } from './note';
import { openMatrix, type OpenedMatrix } from './openMatrix';
import type { MatrixHooks } from './hooks';
import type { ExportDiagonalOptions } from './matrixOptions';
import { inParts } from './partials';
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
  /** False for what there is of a run that is under way, or that was stopped. */
  readonly complete: boolean;
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
 *
 * What there is so far is written as well before it goes to `onPartial`; the file then has an array `incomplete` beside the others, with the probes.
 * @throws CurvatureError
 */
export async function exportDiagonal(
  options: ExportDiagonalOptions,
  hooks: MatrixHooks<ExportedDiagonal> = {},
): Promise<ExportedDiagonal> {
  const progress = new ProgressTracker(p => hooks.onProgress?.(p));
  progress.plan([
    { stage: 'load', cost: 1 },
    { stage: 'diagonal', cost: 10 },
  ]);
  progress.begin('load', 'Reading the model');
  const { journal, signal } = hooks;
  const time = options.seconds === undefined ? undefined : new TimeBudget(options.seconds, hooks.now);
  const batch = options.batch ?? journal?.settled?.batch;
  const opened = await openMatrix({ ...options, batch }, size => VECTORS * 8 * size);
  const { parameters, ready } = opened;
  journal?.begin(matrixFingerprint('diagonal', opened, options));
  const { seed, rtol, maxProbes, output } = options;
  const blocks = parameters.flatMap(p => blocksOf(p, options.average));
  const operator = await matrixOperator(options.matrix, ready.problem, parameters, signal);
  progress.begin('diagonal', 'Diagonal');
  let found: Diagonal | undefined;
  const soFar = (): ExportedDiagonal | undefined => {
    if (!found) return undefined;
    const { arrays, exported } = resultOf(opened, options, found, false);
    const incomplete = { name: 'incomplete', shape: [1], data: Float32Array.of(found.samples) };
    replaceFile(output, writeNpz([...arrays, incomplete]));
    return exported;
  };
  try {
    const through = journal?.through('diagonal', operator) ?? operator;
    const timeSpent = time?.share(1);
    await inParts(hooks.onPartial, soFar, async foundMore => {
      for await (found of hutchinsonDiagonal(through, { seed, rtol, maxProbes, blocks, timeSpent, signal })) {
        const { samples } = found;
        progress.step('diagonal', `Diagonal: probe ${samples} of at most ${maxProbes}`, samples / maxProbes);
        foundMore();
      }
    });
  } finally {
    await operator.dispose();
  }
  const { arrays, exported } = resultOf(opened, options, found!, true);
  write(output, writeNpz(arrays));
  return exported;
}

function resultOf(
  { parameters, ready }: OpenedMatrix,
  { average, maxProbes, seconds }: ExportDiagonalOptions,
  { estimate, stderr, samples: probes, converged }: Diagonal,
  complete: boolean,
): { readonly arrays: NamedArray[]; readonly exported: ExportedDiagonal } {
  const arrays: NamedArray[] = [];
  const parts: DiagonalPart[] = [];
  let block = 0;
  for (const parameter of parameters) {
    const lengths = blocksOf(parameter, average);
    const own = estimate.subarray(block, block + lengths.length);
    const errors = stderr.subarray(block, block + lengths.length);
    block += lengths.length;
    const { name, shape, size } = parameter;
    arrays.push({ name, shape, data: spread(own, lengths, size) });
    arrays.push({ name: `${name}/stderr`, shape, data: spread(errors, lengths, size) });
    parts.push({ name, shape, ...summaryOf(own, errors, lengths, size) });
  }
  const isCut = complete && !converged && probes < maxProbes;
  const diagnostics = [
    ...ready.diagnostics,
    ...(isCut
      ? [note('time-up', `The ${seconds} s were up after ${probes} of at most ${maxProbes} probes.`)]
      : []),
  ];
  return {
    arrays,
    exported: { complete, parts, probes, converged, samples: ready.problem.dataset.samples, diagnostics },
  };
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
