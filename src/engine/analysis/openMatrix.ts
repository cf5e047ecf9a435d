import path from 'node:path';
import type { Parameter } from '../curvature/parameters';
import { matrixRuns, requireLabels } from '../curvature/products';
import { CurvatureError } from '../errors';
import { chooseParameters } from './chooseParameters';
import { fitBatch, peakOfRuns } from './memory';
import { type Model, openModel, requireLayers } from './model';
import type { MatrixOptions } from './matrixOptions';
import { type SetUp, setUp } from './setUp';

/** A model made ready for products with one of its curvature matrices. */
export interface OpenedMatrix {
  readonly model: Model;
  readonly ready: SetUp;
  readonly parameters: readonly Parameter[];
  /** Rows of the matrix. */
  readonly size: number;
  readonly predictedBytes: number;
}

/**
 * Opens model and data with as many samples to a run as fit into memory beside the vectors that the caller keeps.
 * @param vectorBytes what these take, by the rows of the matrix and the bytes that they may take
 * @param takesPart of the parameters that are chosen, those that the matrix is taken over
 * @throws CurvatureError
 */
export async function openMatrix(
  options: MatrixOptions,
  vectorBytes: (size: number, room: number) => number,
  takesPart: (parameter: Parameter, model: Model) => boolean = () => true,
): Promise<OpenedMatrix> {
  const model = openModel(options.model);
  requireLayers(model);
  const first = await setUp(model, options);
  requireLabels(options.matrix, first.problem);
  const parameters = chooseParameters(first.parameters, model.layers, options.layers).filter(p =>
    takesPart(p, model),
  );
  if (parameters.length === 0) {
    throw new CurvatureError(
      'model-unsupported',
      `No parameter of ${path.basename(options.model)} can be differentiated twice.`,
      first.diagnostics.find(d => d.code === 'no-derivative')?.message,
    );
  }
  const size = parameters.reduce((sum, p) => sum + p.size, 0);
  const columns = vectorBytes(size, first.problem.memory / 2);
  const { ready, bytes } = await fitBatch(
    model,
    options,
    first,
    async ({ problem }) => peakOfRuns(await matrixRuns(options.matrix, problem, parameters)) + columns,
  );
  return { model, ready, parameters, size, predictedBytes: bytes };
}
